import { useQuery } from '@tanstack/react-query';
import { Link, useRouterState } from '@tanstack/react-router';
import { Building2, Ellipsis } from 'lucide-react';
import { useLive } from '../api/live-store';
import { meQuery } from '../api/queries';
import { number } from '../text/format';
import Popover, { popoverItem } from '../ui/popover/popover';
import { GROUPS, PLACES, type Place, placeOf } from './pages';
import styles from './shell.module.css';
import { useIsNarrow } from './width';

/** Where one goes from everywhere, with what waits for a person. On a phone: the first three, and the rest behind More. */
export default function Rail({ tenant }: { tenant: string }) {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const open = placeOf(path);
  const isNarrow = useIsNarrow();
  const me = useQuery(meQuery).data;
  const seesMany = me !== undefined && (me.role === 'platform_admin' || me.tenants.length > 1);
  if (isNarrow) {
    const others = PLACES.filter((place) => !place.isFirst);
    return (
      <nav className={styles.rail} aria-label="Pages">
        {PLACES.filter((place) => place.isFirst).map((place) => (
          <Go key={place.name} tenant={tenant} place={place} isOpen={place === open} />
        ))}
        <Popover
          className={styles.link}
          isOpenHere={open !== undefined && others.includes(open)}
          trigger={
            <>
              <Ellipsis size={17} strokeWidth={2} aria-hidden />
              More
              <Waiting of={others} />
            </>
          }
        >
          {others.map((place) => (
            <Link key={place.name} to={place.to} params={{ tenant }} search={{}} className={popoverItem}>
              <span>{place.name}</span>
              <Waiting of={[place]} />
            </Link>
          ))}
          {seesMany && (
            <Link to="/platform/tenants" className={popoverItem}>
              Companies
            </Link>
          )}
        </Popover>
      </nav>
    );
  }
  return (
    <nav className={styles.rail} aria-label="Pages">
      <div className={styles.brand}>
        <img src="/dashboard/icon.svg" alt="" width={24} height={24} />
        Leads
      </div>
      {GROUPS.map(({ name, places }) => (
        <section key={name} className={styles.places} aria-labelledby={`rail-${name}`}>
          <h2 id={`rail-${name}`} className={styles.group}>
            {name}
          </h2>
          {places.map((place) => (
            <Go key={place.name} tenant={tenant} place={place} isOpen={place === open} />
          ))}
        </section>
      ))}
      {seesMany && (
        <section className={styles.places} aria-labelledby="rail-platform">
          <h2 id="rail-platform" className={styles.group}>
            Platform
          </h2>
          <Link to="/platform/tenants" className={styles.link}>
            <Building2 size={17} strokeWidth={2} aria-hidden />
            Companies
          </Link>
        </section>
      )}
    </nav>
  );
}

function Go({ tenant, place, isOpen }: { tenant: string; place: Place; isOpen: boolean }) {
  const { to, name, Icon } = place;
  return (
    <Link
      to={to}
      params={{ tenant }}
      search={{}}
      className={styles.link}
      activeOptions={{ exact: true, includeSearch: true }}
      aria-current={isOpen ? 'page' : undefined}
    >
      <Icon size={17} strokeWidth={2} aria-hidden />
      {name}
      <Waiting of={[place]} />
    </Link>
  );
}

function Waiting({ of }: { of: readonly Place[] }) {
  const { counts } = useLive();
  const waiting = { in_review: counts?.in_review ?? 0, stuck: (counts?.held ?? 0) + (counts?.parked ?? 0) };
  const waits = of.reduce((sum, { count }) => sum + (count ? waiting[count] : 0), 0);
  if (waits === 0) return null;
  return (
    <span className={styles.badge}>
      {waits >= 10_000 ? '10,000+' : number(waits)}
      <span className="hidden-but-read"> waiting</span>
    </span>
  );
}
