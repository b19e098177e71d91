import { Menu } from '@base-ui/react/menu';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useRouterState } from '@tanstack/react-router';
import { Check, ChevronDown, CircleHelp, Search } from 'lucide-react';
import { useState } from 'react';
import { retryLive, useLive } from '../api/live-store';
import { meQuery } from '../api/queries';
import { signOut } from '../api/sign-in';
import { cityOf, clock } from '../text/format';
import { useNow, useZone } from './office';
import styles from './shell.module.css';
import { setTheme, theme } from './theme';

const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

export default function TopBar({
  tenant,
  onSearch,
  onKeys,
}: {
  tenant: string;
  onSearch: () => void;
  onKeys: () => void;
}) {
  return (
    <header className={styles.bar}>
      <Tenants tenant={tenant} />
      <button type="button" className={styles.search} onClick={onSearch}>
        <Search size={16} aria-hidden />
        <span>Search leads, go to a page</span>
        <kbd aria-hidden>{isMac ? '⌘K' : 'Ctrl K'}</kbd>
      </button>
      <LiveMark />
      <OfficeClock />
      <button
        type="button"
        className={`${styles.round} ${styles.onlyWide}`}
        onClick={onKeys}
        title="Keys (?)"
      >
        <CircleHelp size={18} aria-hidden />
        <span className="hidden-but-read">Keys</span>
      </button>
      <Person />
    </header>
  );
}

function Tenants({ tenant }: { tenant: string }) {
  const me = useQuery(meQuery).data;
  const navigate = useNavigate();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const tenants = me?.tenants ?? [];
  const name = tenants.find((one) => one.tenant_id === tenant)?.name ?? tenant;
  if (tenants.length < 2) {
    return (
      <span className={styles.tenant}>
        <bdi>{name}</bdi>
      </span>
    );
  }
  // The same page of the other company; a lead is in one of them alone.
  const page = path.split('/')[3] ?? '';
  return (
    <Menu.Root>
      <Menu.Trigger className={styles.tenant}>
        <bdi>{name}</bdi> <ChevronDown size={14} aria-hidden />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner sideOffset={8} align="start">
          <Menu.Popup className={styles.popup}>
            {tenants.map((one) => (
              <Menu.Item
                key={one.tenant_id}
                className={styles.item}
                onClick={() => void navigate({ href: `/t/${one.tenant_id}/${page}` })}
              >
                <bdi>{one.name}</bdi>
                {one.tenant_id === tenant && <Check size={16} aria-label="open now" />}
              </Menu.Item>
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}

function LiveMark() {
  const { state, since } = useLive();
  const zone = useZone();
  const word = state === 'live' ? 'Live' : state === 'catching-up' ? 'Catching up' : 'Not live';
  const off = `Not live since ${since ? clock(since, zone) : 'a while'}, showing what we had`;
  return (
    <span className={styles.live} role="status" data-live={state}>
      <span className={styles.dot} data-state={state} aria-hidden />
      {state === 'off' ? (
        <>
          <span className={styles.onlyWide}>{off}</span>
          <button type="button" onClick={retryLive} title={off}>
            <u>Retry</u>
          </button>
        </>
      ) : (
        word
      )}
    </span>
  );
}

function OfficeClock() {
  const [zone, now] = [useZone(), useNow()];
  return (
    <span className={styles.clock} title={`The office's time, ${zone}`} data-time>
      {cityOf(zone)} {clock(now, zone)}
    </span>
  );
}

const THEMES = [
  ['system', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
] as const;

function Person() {
  const me = useQuery(meQuery).data;
  const navigate = useNavigate();
  const [chosen, choose] = useState(theme);
  const name = me?.name || me?.email || me?.subject || '';
  const initials = name
    .split(/[\s.@_-]+/)
    .map((part) => part.charAt(0).toUpperCase())
    .join('')
    .slice(0, 2);
  const leave = async () => {
    await signOut().catch(() => {});
    await navigate({ to: '/sign-in', search: {} });
  };
  return (
    <Menu.Root>
      <Menu.Trigger className={`${styles.round} ${styles.person}`}>
        <span aria-hidden>{initials || '·'}</span>
        <span className="hidden-but-read">{name || 'You'}: theme, sign out</span>
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner sideOffset={8} align="end">
          <Menu.Popup className={styles.popup}>
            <Menu.RadioGroup
              value={chosen}
              onValueChange={(next) => {
                setTheme(next);
                choose(next);
              }}
            >
              <div className={styles.label}>
                <bdi>{name}</bdi>
              </div>
              {THEMES.map(([value, word]) => (
                <Menu.RadioItem key={value} value={value} className={styles.item} closeOnClick={false}>
                  {word}
                  <Menu.RadioItemIndicator>
                    <Check size={16} aria-hidden />
                  </Menu.RadioItemIndicator>
                </Menu.RadioItem>
              ))}
            </Menu.RadioGroup>
            <Menu.Separator className={styles.rule} />
            <Menu.LinkItem className={styles.item} href="/dashboard/licences.txt">
              About: version {me?.product.version}, licences
            </Menu.LinkItem>
            <Menu.Item className={styles.item} onClick={() => void leave()}>
              Sign out
            </Menu.Item>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
