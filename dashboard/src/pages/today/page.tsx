import { type UseQueryResult, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useRef, useState } from 'react';
import { newestOf } from '../../api/cache';
import type { Lead, Schemas } from '../../api/client';
import type { Filter } from '../../api/filter';
import { leadsQuery } from '../../api/leads-query';
import { useLive } from '../../api/live-store';
import { meQuery, officesQuery } from '../../api/queries';
import { useNow, useOfficeZone } from '../../shell/office';
import { day, number, percent, phone, took } from '../../text/format';
import { channelName, projectName, startName } from '../../text/words';
import { buttonClass } from '../../ui/button/button';
import Empty from '../../ui/empty/empty';
import FailureNote from '../../ui/failure/failure';
import ScorePlate from '../../ui/score-plate/score-plate';
import Skeleton from '../../ui/skeleton/skeleton';
import StatusMark from '../../ui/status-mark/status-mark';
import Text from '../../ui/text/text';
import Time from '../../ui/time/time';
import Waits from '../../ui/waits/waits';
import styles from './page.module.css';
import { channelsQuery, dayQuery } from './queries';

/** It comes behind what is read first; the row has its room. */
const Touched = lazy(() => import('../../ui/touched/touched'));
/** Where providers are simulated, and nowhere else. */
const TryIt = lazy(() => import('./parts/try-it'));

type Figures = readonly Schemas['SummaryFigure'][];

const CALLS = 10;
const COMING_IN = 20;

export default function Today() {
  const { tenant } = useParams({ from: '/t/$tenant/' });
  const me = useQuery(meQuery).data;
  const company = me?.tenants.find((one) => one.tenant_id === tenant)?.name;
  const offices = useQuery(officesQuery(tenant));
  return (
    <>
      <title>{['Today', company].filter(Boolean).join(' · ')}</title>
      <h1 className={styles.title}>Today</h1>
      {me?.product.is_simulated && (
        <Suspense>
          <TryIt tenant={tenant} />
        </Suspense>
      )}
      {offices.isPending ? <Skeleton rows={4} height={80} /> : <Day tenant={tenant} />}
    </>
  );
}

function Day({ tenant }: { tenant: string }) {
  const [zone, now] = [useOfficeZone(), useNow()];
  const date = day(now, zone);
  const figures = useQuery(dayQuery(tenant, date));
  return (
    <>
      <div className={styles.tiles}>
        <Tile
          name="Genuine leads"
          query={figures}
          of={(all) => genuine(all)}
          to={{ from: date }}
          tenant={tenant}
        />
        <Tile
          name="In your CRM"
          query={figures}
          of={(all) => inCrm(all)}
          to={{ status: ['completed'], from: date }}
          tenant={tenant}
        />
        <Tile
          name="Score over 80"
          query={figures}
          of={(all) => strong(all)}
          to={{ score: '81-100', from: date }}
          tenant={tenant}
        />
        <Tile
          name="Deliveries taken"
          query={figures}
          of={(all) => deliveries(all)}
          to={{ from: date }}
          tenant={tenant}
        />
      </div>
      <div className={styles.columns}>
        <CallNow tenant={tenant} />
        <ComingIn tenant={tenant} />
      </div>
      <div className={styles.columns}>
        <NeedsYou tenant={tenant} />
        <WhereFrom tenant={tenant} date={date} />
      </div>
    </>
  );
}

const value = (figures: Figures, key: string): number | null =>
  figures.find((one) => one.key === key)?.value ?? null;
const before = (figures: Figures, key: string): number | null =>
  figures.find((one) => one.key === key)?.previous ?? null;

type Told = { big: string; small: string };

const genuine = (all: Figures): Told => {
  const [came, yesterday] = [value(all, 'came_in') ?? 0, before(all, 'genuine') ?? 0];
  return {
    big: number(value(all, 'genuine') ?? 0),
    small: `of ${number(came)} that came in · ${number(yesterday)} the day before`,
  };
};
const inCrm = (all: Figures): Told => {
  const inArea = value(all, 'in_area') ?? 0;
  const p50 = value(all, 'stage_p50.dispatch');
  return {
    big: `${number(value(all, 'in_crm') ?? 0)} of ${number(inArea)}`,
    small: p50 === null ? 'genuine and in your area' : `genuine and in your area · push takes ${took(p50)}`,
  };
};
const strong = (all: Figures): Told => {
  const [share, average] = [value(all, 'share_over_80'), value(all, 'average_score')];
  return {
    big: share === null ? '–' : percent(share),
    small: average === null ? 'no lead has a score yet' : `of genuine leads · average ${Math.round(average)}`,
  };
};
const deliveries = (all: Figures): Told => {
  const refused = value(all, 'refused') ?? 0;
  return {
    big: number(value(all, 'deliveries') ?? 0),
    small: refused === 0 ? 'none refused' : `${number(refused)} refused: check the source’s signing key`,
  };
};

function Tile({
  tenant,
  name,
  query,
  of,
  to,
}: {
  tenant: string;
  name: string;
  query: UseQueryResult<Figures>;
  of: (figures: Figures) => Told;
  to: Filter;
}) {
  const told = query.data ? of(query.data) : null;
  return (
    <section className={styles.tile} aria-label={name}>
      <h2>{name}</h2>
      {told ? (
        <>
          <Link to="/t/$tenant/leads" params={{ tenant }} search={to} className={styles.big}>
            {told.big}
          </Link>
          <p className={styles.small}>{told.small}</p>
        </>
      ) : query.isError ? (
        <p className={styles.small} role="alert">
          {name} cannot be read now.
        </p>
      ) : (
        <Skeleton rows={2} height={26} />
      )}
    </section>
  );
}

/** Nothing in a list moves while a pointer or the focus is in it. */
function useSteady<T>(items: readonly T[]) {
  const [isHeld, setHeld] = useState(false);
  const kept = useRef(items);
  if (!isHeld) kept.current = items;
  return {
    items: kept.current,
    hold: {
      onPointerEnter: () => setHeld(true),
      onPointerLeave: () => setHeld(false),
      onFocus: () => setHeld(true),
      onBlur: () => setHeld(false),
    },
  };
}

function Panel({ name, aside, children }: { name: string; aside?: ReactNode; children: ReactNode }) {
  const id = name.toLowerCase().replaceAll(' ', '-');
  return (
    <section className={styles.panel} aria-labelledby={id}>
      <header className={styles.head}>
        <h2 id={id}>{name}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

const nameOf = (lead: Lead) =>
  lead.contact.name ?? (lead.contact.phone ? phone(lead.contact.phone) : lead.headline);

const TO_CALL: Filter = { needs_call: 'yes', sort: 'score' };

/** Whom to call, the strongest lead first. One that was answered stays where it is while somebody is at the list. */
function CallNow({ tenant }: { tenant: string }) {
  const list = useInfiniteQuery(leadsQuery(tenant, TO_CALL));
  const { fresh, counts } = useLive();
  const listed = list.data?.pages[0]?.items ?? [];
  const latest = new Map(newestOf([...listed, ...fresh]).map((lead) => [lead.request_id, lead] as const));
  const all = [...latest.values()]
    .filter((lead) => lead.needs_call)
    .sort((a, b) => (b.lead_score ?? 0) - (a.lead_score ?? 0));
  const { items, hold } = useSteady(all);
  const waiting = counts?.call_now ?? all.length;
  return (
    <Panel
      name="Call now"
      aside={
        <Link to="/t/$tenant/leads" params={{ tenant }} search={TO_CALL}>
          {waiting > 0 ? `All ${number(waiting)}` : 'All'}
        </Link>
      }
    >
      {list.isPending ? (
        <Skeleton rows={3} height={48} />
      ) : list.isError ? (
        <FailureNote error={list.error} onRetry={() => void list.refetch()} />
      ) : items.length === 0 ? (
        <Empty title="Nobody waits for a call">
          Genuine leads of your area stand here until somebody calls, the strongest first.
        </Empty>
      ) : (
        <ul {...hold}>
          {items.slice(0, CALLS).map((kept) => (
            <ToCall key={kept.request_id} tenant={tenant} lead={latest.get(kept.request_id) ?? kept} />
          ))}
        </ul>
      )}
      {waiting > CALLS && items.length > 0 && (
        <p className={styles.small}>and {number(waiting - CALLS)} more</p>
      )}
    </Panel>
  );
}

function ToCall({ tenant, lead }: { tenant: string; lead: Lead }) {
  return (
    <li className={styles.strong} data-call={lead.request_id}>
      <ScorePlate score={lead.lead_score} confidence={lead.confidence} />
      <Link
        to="/t/$tenant/leads/$id"
        params={{ tenant, id: lead.request_id }}
        className={styles.who}
        title={lead.summary ?? undefined}
      >
        <span className={styles.name}>
          <Text>{nameOf(lead)}</Text>
        </span>
        <span className={styles.wants}>
          {[
            lead.project_type && projectName(lead.project_type),
            lead.timeline && lead.timeline !== 'unknown' && startName(lead.timeline),
            lead.contact.city,
          ]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </Link>
      {lead.needs_call ? <Waits since={lead.created_at} /> : <span className={styles.time}>✓ answered</span>}
      <span className={styles.act}>
        {lead.contact.phone && (
          <a className={buttonClass('primary')} href={`tel:${lead.contact.phone}`}>
            Call<span className="hidden-but-read"> {nameOf(lead)}</span>
          </a>
        )}
        {lead.needs_call && (
          <Suspense>
            <Touched tenant={tenant} id={lead.request_id} of={nameOf(lead)} />
          </Suspense>
        )}
      </span>
    </li>
  );
}

function ComingIn({ tenant }: { tenant: string }) {
  const list = useInfiniteQuery(leadsQuery(tenant, {}));
  const { fresh } = useLive();
  const listed = list.data?.pages[0]?.items ?? [];
  const known = new Set(listed.map((lead) => lead.request_id));
  const newer = fresh.filter(
    (lead) => !known.has(lead.request_id) && lead.created_at > (listed[0]?.created_at ?? ''),
  );
  const all = [...newer, ...listed]
    .sort((a, b) => (a.created_at < b.created_at ? 1 : -1))
    .slice(0, COMING_IN);
  const { items, hold } = useSteady(all);
  return (
    <Panel name="Coming in" aside={<span className={styles.small}>the last {COMING_IN}</span>}>
      {list.isPending ? (
        <Skeleton rows={5} height={28} />
      ) : list.isError ? (
        <FailureNote error={list.error} onRetry={() => void list.refetch()} />
      ) : items.length === 0 ? (
        <Empty title="No lead yet">
          Leads appear here the second they arrive, with the step that they are at.
        </Empty>
      ) : (
        <ul {...hold} data-coming-in>
          {items.map((lead) => (
            <li key={lead.request_id} className={styles.coming} data-lead={lead.request_id}>
              <StatusMark status={lead.status} stage={lead.stage} />
              <Link
                to="/t/$tenant/leads/$id"
                params={{ tenant, id: lead.request_id }}
                className={styles.line}
              >
                {channelName(lead.channel)} · <Text>{nameOf(lead)}</Text>
                {lead.contact.city && (
                  <>
                    {' '}
                    · <Text>{lead.contact.city}</Text>
                  </>
                )}
              </Link>
              <span className={styles.time}>
                <Time at={lead.created_at} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function NeedsYou({ tenant }: { tenant: string }) {
  const { counts } = useLive();
  const rows: {
    status: Schemas['Status'];
    count: number;
    words: string;
    to: '/t/$tenant/review' | '/t/$tenant/stuck';
  }[] = counts
    ? [
        {
          status: 'in_review',
          count: counts.in_review,
          words: 'may be spam: decide',
          to: '/t/$tenant/review',
        },
        {
          status: 'held',
          count: counts.held,
          words: `${counts.held === 1 ? 'step waits' : 'steps wait'} for a connection’s new secret`,
          to: '/t/$tenant/stuck',
        },
        {
          status: 'parked',
          count: counts.parked,
          words: `${counts.parked === 1 ? 'step waits' : 'steps wait'} for a person`,
          to: '/t/$tenant/stuck',
        },
      ]
    : [];
  const waiting = rows.filter((row) => row.count > 0);
  return (
    <Panel name="Needs you">
      {!counts ? (
        <Skeleton rows={2} height={28} />
      ) : waiting.length === 0 ? (
        <p className={styles.good}>Everything moves. Nothing waits for a person.</p>
      ) : (
        <ul>
          {waiting.map((row) => (
            <li key={row.status} className={styles.coming}>
              <StatusMark status={row.status} />
              <Link to={row.to} params={{ tenant }} search={{}} className={styles.line}>
                {number(row.count)} {row.words}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function WhereFrom({ tenant, date }: { tenant: string; date: string }) {
  const query = useQuery(channelsQuery(tenant, date));
  const rows = (query.data?.series ?? [])
    .map(({ name, values }) => ({ name, count: values.reduce<number>((sum, one) => sum + (one ?? 0), 0) }))
    .filter((row) => row.count > 0)
    .sort((a, b) => b.count - a.count);
  const most = Math.max(1, ...rows.map((row) => row.count));
  return (
    <Panel name="Where from">
      {query.isPending ? (
        <Skeleton rows={2} height={28} />
      ) : query.isError ? (
        <p role="alert">Where leads came from cannot be read now.</p>
      ) : rows.length === 0 ? (
        <p className={styles.small}>Figures start with the first lead of the day.</p>
      ) : (
        <table className={styles.bars}>
          <caption className="hidden-but-read">Leads of today by channel</caption>
          <tbody>
            {rows.map((row) => (
              <tr key={row.name}>
                <th scope="row">{channelName(row.name as Schemas['Channel'])}</th>
                <td className={styles.bar}>
                  <span style={{ width: `${(row.count / most) * 100}%` }} aria-hidden />
                </td>
                <td>{number(row.count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}
