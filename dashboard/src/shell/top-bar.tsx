import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useRouterState } from '@tanstack/react-router';
import { Check, ChevronDown, CircleHelp, Search } from 'lucide-react';
import { retryLive, useLive } from '../api/live-store';
import { meQuery } from '../api/queries';
import { signOut } from '../api/sign-in';
import { cityOf, clock } from '../text/format';
import Popover, { popoverItem, popoverLabel, popoverRule } from '../ui/popover/popover';
import { useNow, useOfficeZone, useZone } from './office';
import { usePreferences } from './preferences';
import styles from './shell.module.css';

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
      <Person tenant={tenant} />
    </header>
  );
}

function Tenants({ tenant }: { tenant: string }) {
  const me = useQuery(meQuery).data;
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
    <Popover
      className={styles.tenant}
      trigger={
        <>
          <span className="hidden-but-read">Company: </span>
          <bdi>{name}</bdi> <ChevronDown size={14} aria-hidden />
        </>
      }
    >
      {tenants.map((one) => (
        <Link key={one.tenant_id} to={`/t/${one.tenant_id}/${page}` as '/'} className={popoverItem}>
          <bdi>{one.name}</bdi>
          {one.tenant_id === tenant && <Check size={16} aria-label="open now" />}
        </Link>
      ))}
    </Popover>
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
  const [zone, now] = [useOfficeZone(), useNow()];
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

function Person({ tenant }: { tenant: string }) {
  const me = useQuery(meQuery).data;
  const navigate = useNavigate();
  const { preferences, change } = usePreferences();
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
    <Popover
      className={`${styles.round} ${styles.person}`}
      trigger={
        <>
          <span aria-hidden>{initials || '·'}</span>
          <span className="hidden-but-read">{name || 'You'}: preferences, sign out</span>
        </>
      }
    >
      <fieldset>
        <legend className={popoverLabel}>
          <bdi>{name}</bdi>
          <span className="hidden-but-read">: theme</span>
        </legend>
        {THEMES.map(([value, word]) => (
          <label key={value} className={popoverItem}>
            <input
              type="radio"
              name="theme"
              checked={preferences.theme === value}
              onChange={() => change({ theme: value })}
            />
            {word}
          </label>
        ))}
      </fieldset>
      <div className={popoverRule} />
      <Link to="/t/$tenant/me" params={{ tenant }} className={popoverItem}>
        Preferences and devices
      </Link>
      <a className={popoverItem} href="/dashboard/licences.txt">
        About: version {me?.product.version}, licences
      </a>
      <button type="button" className={popoverItem} onClick={() => void leave()}>
        Sign out
      </button>
    </Popover>
  );
}
