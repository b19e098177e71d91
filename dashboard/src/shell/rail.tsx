import { Link, useRouterState } from '@tanstack/react-router';
import { Diamond, House, type LucideIcon, OctagonAlert, ShieldBan, Users } from 'lucide-react';
import type { Schemas } from '../api/client';
import { readFilter } from '../api/filter';
import { useLive } from '../api/live-store';
import { number } from '../text/format';
import styles from './shell.module.css';

type Page = {
  to: '/t/$tenant' | '/t/$tenant/leads';
  status?: Schemas['Status'][];
  name: string;
  Icon: LucideIcon;
  count?: 'in_review' | 'stuck';
};

const PAGES: readonly Page[] = [
  { to: '/t/$tenant', name: 'Today', Icon: House },
  { to: '/t/$tenant/leads', name: 'Leads', Icon: Users },
  { to: '/t/$tenant/leads', status: ['in_review'], name: 'Review', Icon: Diamond, count: 'in_review' },
  { to: '/t/$tenant/leads', status: ['held', 'parked'], name: 'Stuck', Icon: OctagonAlert, count: 'stuck' },
  { to: '/t/$tenant/leads', status: ['quarantined'], name: 'Kept out', Icon: ShieldBan },
];

/** The page of the rail that is open: the most exact one. */
function openPage(path: string, statuses: readonly string[]): Page | undefined {
  const [, , , place] = path.split('/');
  if (!place) return PAGES[0];
  if (place !== 'leads') return undefined;
  return PAGES.find((page) => page.status?.join() === statuses.join()) ?? PAGES[1];
}

/** Where one goes from everywhere, with what waits for a person. */
export default function Rail({ tenant }: { tenant: string }) {
  const { counts } = useLive();
  const waiting = { in_review: counts?.in_review ?? 0, stuck: (counts?.held ?? 0) + (counts?.parked ?? 0) };
  const location = useRouterState({ select: (state) => state.location });
  const open = openPage(location.pathname, readFilter(location.search).status ?? []);
  return (
    <nav className={styles.rail} aria-label="Pages">
      <div className={styles.brand}>
        <img src="/dashboard/icon.svg" alt="" width={24} height={24} />
        Leads
      </div>
      <h2 className={styles.group}>Work</h2>
      {PAGES.map((page) => {
        const { to, status, name, Icon, count } = page;
        const waits = count ? waiting[count] : 0;
        return (
          <Link
            key={name}
            to={to}
            params={{ tenant }}
            search={status ? { status } : {}}
            className={styles.link}
            activeOptions={{ exact: true, includeSearch: true }}
            aria-current={page === open ? 'page' : undefined}
          >
            <Icon size={17} strokeWidth={2} aria-hidden />
            {name}
            {waits > 0 && (
              <span className={styles.badge}>
                {waits >= 10_000 ? '10,000+' : number(waits)}
                <span className="hidden-but-read"> waiting</span>
              </span>
            )}
          </Link>
        );
      })}
    </nav>
  );
}
