import { infiniteQueryOptions, useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { api, read, type Schemas } from '../../../api/client';
import { keys } from '../../../api/keys';
import { number } from '../../../text/format';
import { plain } from '../../../text/words';
import Empty from '../../../ui/empty/empty';
import FailureNote from '../../../ui/failure/failure';
import layout from '../../../ui/layout/layout.module.css';
import Note from '../../../ui/note/note';
import Rows, { type Column } from '../../../ui/rows/rows';
import Skeleton from '../../../ui/skeleton/skeleton';
import Text from '../../../ui/text/text';
import Time from '../../../ui/time/time';
import SettingsHead from '../head';
import styles from '../settings.module.css';
import { brokenAt } from './chain';
import Filter from './filter';
import type { AuditSearch } from './search';

type Entry = Schemas['AuditEntry'];

const A_PAGE = 100;

const auditQuery = (tenant: string, search: AuditSearch) =>
  infiniteQueryOptions({
    queryKey: [...keys.audit(tenant), search],
    queryFn: ({ signal, pageParam }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/audit', {
          params: {
            path: { tenant_id: tenant },
            query: { ...search, limit: A_PAGE, ...(pageParam && { cursor: pageParam }) },
          },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    // Decisions about leads are entries that no event of its own tells of.
    staleTime: 5_000,
  });

/** Who changed what, and that nothing of it was taken out. */
export default function Audit() {
  const { tenant } = useParams({ from: '/t/$tenant/settings/audit' });
  const search = useSearch({ from: '/t/$tenant/settings/audit' });
  const navigate = useNavigate();
  const list = useInfiniteQuery(auditQuery(tenant, search));
  const entries = list.data?.pages.flatMap((page) => page.items) ?? [];
  const isFiltered = Object.keys(search).length > 0;
  // What is filtered has gaps of its own.
  const broken = isFiltered ? null : brokenAt(entries);
  const only = (more: AuditSearch, words: ReactNode) => (
    <Link
      to="/t/$tenant/settings/audit"
      params={{ tenant }}
      search={{ ...search, ...more }}
      title="Only entries with this"
    >
      {words}
    </Link>
  );
  const columns: Column<Entry>[] = [
    { name: 'When', fits: true, of: (entry) => <Time at={entry.at} /> },
    {
      name: 'Who',
      of: (entry) => (
        <span className={styles.name}>{only({ actor: entry.actor }, <Text>{entry.actor}</Text>)}</span>
      ),
    },
    {
      name: 'Did',
      fits: true,
      of: (entry) => only({ action: entry.action }, plain(entry.action.replaceAll('.', ' '))),
    },
    {
      name: 'To',
      of: (entry) =>
        entry.object.startsWith('req_') ? (
          <Link to="/t/$tenant/leads/$id" params={{ tenant, id: entry.object }}>
            Lead <code>{entry.object.slice(-8)}</code>
          </Link>
        ) : (
          only(
            { object: entry.object },
            <code>
              <Text>{entry.object}</Text>
            </code>,
          )
        ),
    },
    { name: 'With', of: (entry) => (entry.detail ? <Text>{entry.detail}</Text> : '–') },
    {
      name: 'Hash',
      fits: true,
      of: (entry) => (
        <code className={styles.hash} title={entry.hash}>
          {entry.hash.slice(0, 8)}
        </code>
      ),
    },
  ];
  return (
    <>
      <SettingsHead
        name="Audit log"
        lead="Everything that a person or a program changed. Each entry holds the hash of the one before it: what is changed or taken out breaks the chain."
      />
      <div className={layout.page}>
        <Filter
          key={JSON.stringify(search)}
          tenant={tenant}
          search={search}
          onSearch={(next) =>
            void navigate({ to: '/t/$tenant/settings/audit', params: { tenant }, search: next })
          }
        />
        {broken ? (
          <p role="alert">
            <strong>The chain is broken</strong> at the entry <code>{broken.audit_id}</code>: the one before
            it was changed or taken out. Tell who runs this installation.
          </p>
        ) : (
          !isFiltered &&
          entries.length > 1 && (
            <Note look="done">
              The {number(entries.length)} entries shown follow each other without a gap.
            </Note>
          )
        )}
        {list.isPending ? (
          <Skeleton rows={8} height={36} />
        ) : list.isError && entries.length === 0 ? (
          <FailureNote
            error={list.error}
            what="The audit log cannot be read."
            onRetry={() => void list.refetch()}
          />
        ) : entries.length === 0 && isFiltered ? (
          <Empty title="No entry agrees with that">
            Drop a part of it, or see{' '}
            <Link to="/t/$tenant/settings/audit" params={{ tenant }} search={{}}>
              all entries
            </Link>
            .
          </Empty>
        ) : entries.length === 0 ? (
          <Empty title="No change yet">Whatever somebody changes stands here from then on.</Empty>
        ) : (
          <Rows
            label="Entries"
            columns={columns}
            rows={entries}
            keyOf={(entry) => entry.audit_id}
            onMore={list.hasNextPage ? () => void list.fetchNextPage() : undefined}
            isFetching={list.isFetchingNextPage}
          />
        )}
      </div>
    </>
  );
}
