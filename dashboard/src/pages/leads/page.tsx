import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useRouterState, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useCallback } from 'react';
import { countOf, droppedFrom, type Filter, isNewHere, readFilter } from '../../api/filter';
import { keys } from '../../api/keys';
import { countQuery, leadsQuery } from '../../api/leads-query';
import { takeInFresh, useLive } from '../../api/live-store';
import { meQuery } from '../../api/queries';
import { viewsQuery } from '../../api/views';
import { useKeys } from '../../shell/shortcuts';
import { number } from '../../text/format';
import { parseSearch } from '../../text/search';
import Button, { buttonClass } from '../../ui/button/button';
import Empty from '../../ui/empty/empty';
import FailureNote from '../../ui/failure/failure';
import Skeleton from '../../ui/skeleton/skeleton';
import styles from './page.module.css';
import Filters, { setFilters } from './parts/filters';
import Saved from './parts/saved';
import Table from './parts/table';

const Peek = lazy(() => import('./parts/peek'));

const VIEWS: readonly { name: string; filter: Filter }[] = [
  { name: 'All', filter: {} },
  { name: 'Call now', filter: { needs_call: 'yes', sort: 'score' } },
  { name: 'Over 80', filter: { score: '81-100', sort: 'score' } },
  { name: 'Waiting', filter: { sort: 'waiting' } },
  { name: 'Completed', filter: { status: ['completed'] } },
  { name: 'In review', filter: { status: ['in_review'] } },
  { name: 'Stuck', filter: { status: ['held', 'parked'] } },
  { name: 'Kept out', filter: { status: ['quarantined'] } },
  { name: 'Out of area', filter: { status: ['out_of_area'] } },
];

const same = (one: Filter, other: Filter) => JSON.stringify(one) === JSON.stringify(other);

export default function Leads() {
  const { tenant } = useParams({ from: '/t/$tenant/leads' });
  const { peek, ...filter } = useSearch({ from: '/t/$tenant/leads' });
  const navigate = useNavigate();
  const onPeek = (id: string | null) =>
    void navigate({
      to: '/t/$tenant/leads',
      params: { tenant },
      search: id ? { ...filter, peek: id } : filter,
      replace: true,
      resetScroll: false,
    });
  const onEscape = () => peek && onPeek(null);
  useKeys({ Escape: onEscape });
  const saved = (useQuery(viewsQuery(tenant)).data?.items ?? [])
    .filter((one) => one.page === 'leads')
    .map((one) => ({ ...one, filter: readFilter(parseSearch(one.search)) }));
  const list = useInfiniteQuery(leadsQuery(tenant, filter));
  const count = useQuery(countQuery(tenant, filter));
  const company = useQuery(meQuery).data?.tenants.find((one) => one.tenant_id === tenant)?.name;
  const leads = list.data?.pages.flatMap((page) => page.items) ?? [];
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const isCounted = count.data && filter.sort !== 'waiting';
  const total = isCounted && count.data.is_exact ? count.data.count : hasNextPage ? -1 : leads.length;
  const usual = VIEWS.find((one) => same(one.filter, filter));
  const own = usual ? undefined : saved.find((one) => same(one.filter, filter));
  const view = usual?.name ?? own?.name;

  return (
    <div className={styles.page}>
      <title>{[view && view !== 'All' ? view : null, 'Leads', company].filter(Boolean).join(' · ')}</title>
      <header className={styles.top}>
        <h1>Leads</h1>
        <span className={styles.count} aria-live="polite">
          {isCounted && `${number(count.data.count)}${count.data.is_exact ? '' : '+'}`}
        </span>
      </header>
      <nav className={styles.views} aria-label="Views">
        {[...VIEWS.map((one) => ({ ...one, id: one.name })), ...saved].map(({ id, name, filter: of }) => (
          <Link
            key={id}
            to="/t/$tenant/leads"
            params={{ tenant }}
            search={of}
            activeOptions={{ exact: true, includeSearch: true }}
            aria-current={id === (usual?.name ?? own?.id) ? 'true' : undefined}
          >
            <bdi>{name}</bdi>
          </Link>
        ))}
        {(own || (!usual && Object.keys(filter).length > 0)) && (
          <Saved tenant={tenant} filter={filter} view={own} />
        )}
      </nav>
      <Filters tenant={tenant} filter={filter} />
      <Dropped />
      <NewLeads tenant={tenant} filter={filter} listed={leads} />
      {list.isPending ? (
        <Skeleton rows={12} height={28} />
      ) : list.isError && leads.length === 0 ? (
        <FailureNote
          error={list.error}
          what="The list cannot be read. Your filters are kept."
          onRetry={() => void list.refetch()}
        />
      ) : leads.length === 0 ? (
        <NoLeads tenant={tenant} filter={filter} />
      ) : (
        <div className={styles.beside}>
          <Table
            key={JSON.stringify(filter)}
            tenant={tenant}
            filter={filter}
            leads={leads}
            total={total}
            hasMore={hasNextPage}
            onMore={more}
            peek={peek}
            onPeek={onPeek}
          />
          {peek && (
            <Suspense>
              <Peek key={peek} tenant={tenant} id={peek} onClose={() => onPeek(null)} />
            </Suspense>
          )}
        </div>
      )}
    </div>
  );
}

/** Leads that came since the list was read wait here: nothing moves under the hand. */
function NewLeads({
  tenant,
  filter,
  listed,
}: {
  tenant: string;
  filter: Filter;
  listed: readonly { request_id: string; created_at: string }[];
}) {
  const { fresh } = useLive();
  const cache = useQueryClient();
  const known = new Set(listed.map((lead) => lead.request_id));
  const waiting = fresh.filter(
    (lead) => !known.has(lead.request_id) && isNewHere(filter, lead, listed[0]?.created_at),
  ).length;
  const takeIn = () => {
    if (waiting === 0) return;
    takeInFresh();
    void cache.resetQueries({ queryKey: keys.list(tenant, filter), exact: true });
  };
  useKeys({ n: takeIn });
  return (
    <div className={styles.fresh} role="status">
      {waiting > 0 && (
        <Button onClick={takeIn}>
          ↑ {waiting} new {waiting === 1 ? 'lead' : 'leads'} <kbd>n</kbd>
        </Button>
      )}
    </div>
  );
}

/** What stood in the address and is no filter. */
function Dropped() {
  const text = useRouterState({ select: (state) => state.location.searchStr });
  const dropped = droppedFrom(parseSearch(text));
  return dropped.length > 0 ? (
    <p className={styles.dropped} role="status">
      Left out, because there is no such filter: {dropped.join(', ')}.
    </p>
  ) : null;
}

function NoLeads({ tenant, filter }: { tenant: string; filter: Filter }) {
  const navigate = useNavigate();
  const isSimulated = useQuery(meQuery).data?.product.is_simulated;
  const filters = setFilters(filter);
  if (countOf(filter) === 0) {
    return filter.sort === 'waiting' ? (
      <Empty title="Nobody waits">Every lead has come to its end.</Empty>
    ) : (
      <Empty title="Leads appear here the second they arrive">
        {isSimulated && (
          <>
            To see one, send a call in a terminal: <code>pipeline send callrail</code>
          </>
        )}
      </Empty>
    );
  }
  return (
    <Empty
      title={`No lead matches ${filters.map((one) => one.words).join(' and ')}`}
      actions={
        <>
          {filters.map(({ words, without }) => (
            <Button
              key={words}
              onClick={() => void navigate({ to: '/t/$tenant/leads', params: { tenant }, search: without })}
            >
              Drop {words} ×
            </Button>
          ))}
          <Link to="/t/$tenant/leads" params={{ tenant }} search={{}} className={buttonClass('quiet')}>
            All leads
          </Link>
        </>
      }
    />
  );
}
