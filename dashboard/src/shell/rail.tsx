import { Link } from '@tanstack/react-router';
import { Diamond, House, type LucideIcon, OctagonAlert, ShieldBan, Users } from 'lucide-react';
import { useLive } from '../api/live-store';
import { number } from '../text/format';
import styles from './shell.module.css';

const PAGES: readonly {
  to: '/t/$tenant' | '/t/$tenant/leads' | '/t/$tenant/review' | '/t/$tenant/stuck' | '/t/$tenant/quarantine';
  name: string;
  Icon: LucideIcon;
  count?: 'in_review' | 'stuck';
}[] = [
  { to: '/t/$tenant', name: 'Today', Icon: House },
  { to: '/t/$tenant/leads', name: 'Leads', Icon: Users },
  { to: '/t/$tenant/review', name: 'Review', Icon: Diamond, count: 'in_review' },
  { to: '/t/$tenant/stuck', name: 'Stuck', Icon: OctagonAlert, count: 'stuck' },
  { to: '/t/$tenant/quarantine', name: 'Kept out', Icon: ShieldBan },
];

/** Where one goes from everywhere, with what waits for a person. */
export default function Rail({ tenant }: { tenant: string }) {
  const { counts } = useLive();
  const waiting = { in_review: counts?.in_review ?? 0, stuck: (counts?.held ?? 0) + (counts?.parked ?? 0) };
  return (
    <nav className={styles.rail} aria-label="Pages">
      <div className={styles.brand}>
        <img src="/dashboard/icon.svg" alt="" width={24} height={24} />
        Leads
      </div>
      <h2 className={styles.group}>Work</h2>
      {PAGES.map(({ to, name, Icon, count }) => {
        const waits = count ? waiting[count] : 0;
        return (
          <Link
            key={to}
            to={to}
            params={{ tenant }}
            className={styles.link}
            activeOptions={{ exact: to === '/t/$tenant', includeSearch: false }}
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
