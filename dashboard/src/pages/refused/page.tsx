import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import { refusalsQuery } from '../../api/sources';
import { number } from '../../text/format';
import { namesOf, providerName } from '../../text/words';
import { buttonClass } from '../../ui/button/button';
import Empty from '../../ui/empty/empty';
import FailureNote from '../../ui/failure/failure';
import Field, { Select } from '../../ui/field/field';
import layout from '../../ui/layout/layout.module.css';
import PageHead from '../../ui/page-head/page-head';
import Rows, { type Column } from '../../ui/rows/rows';
import Skeleton from '../../ui/skeleton/skeleton';
import Text from '../../ui/text/text';
import Time from '../../ui/time/time';

const REASONS = [
  'wrong_signature',
  'missing_signature',
  'stale_signature',
  'too_many_failures',
  'unknown_tenant',
] as const;
const reasonName = namesOf<string>({
  wrong_signature: 'Wrong signature',
  missing_signature: 'No signature',
  stale_signature: 'Signed too long ago',
  too_many_failures: 'Failed too often before',
  unknown_tenant: 'No such company',
});
const CAUSES: Record<string, string> = {
  wrong_signature: 'The signing key here and at the provider differ, or somebody tries to get in.',
  missing_signature: 'The provider does not sign, or it was not the provider.',
  stale_signature: 'It was held up for long, or is sent once more by somebody who saw it.',
  too_many_failures: 'Its address had failed so often that it was not looked at.',
};

/** What was refused before it was stored: by minute, address and reason. */
export default function RefusedPage() {
  const { tenant } = useParams({ from: '/t/$tenant/sources/refused' });
  const search = useSearch({ from: '/t/$tenant/sources/refused' });
  const navigate = useNavigate();
  const list = useInfiniteQuery(refusalsQuery(tenant, search));
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const isFiltered = Boolean(search.address || search.reason);
  const columns: Column<Schemas['SecurityEvent']>[] = [
    { name: 'Minute', fits: true, of: (one) => <Time at={one.minute} /> },
    { name: 'Source', fits: true, of: (one) => providerName(one.provider) },
    {
      name: 'From',
      fits: true,
      of: (one) => (
        <Link
          to="/t/$tenant/sources/refused"
          params={{ tenant }}
          search={{ ...search, address: one.address }}
          title="Only those from this address"
        >
          <Text>{one.address}</Text>
        </Link>
      ),
    },
    {
      name: 'Why',
      of: (one) => (
        <>
          {reasonName(one.reason)}
          {CAUSES[one.reason] && <span className={layout.faint}>: {CAUSES[one.reason]}</span>}
        </>
      ),
    },
    { name: 'How many', fits: true, of: (one) => number(one.count) },
    { name: 'In the log', fits: true, of: (one) => <code>{one.trace_id.slice(0, 12)}</code> },
  ];
  return (
    <div className={layout.page}>
      <PageHead
        name="Refused deliveries"
        within="Sources"
        lead="What came and could not prove where it is from. Nothing of it is kept but how often it came, from where, and why it was refused."
      />
      <div className={layout.row}>
        <Field label="Why">
          {(props) => (
            <Select
              {...props}
              value={search.reason ?? ''}
              onChange={(reason) => {
                const { reason: _, ...rest } = search;
                void navigate({
                  to: '/t/$tenant/sources/refused',
                  params: { tenant },
                  search: reason ? { ...rest, reason } : rest,
                });
              }}
            >
              <option value="">Any reason</option>
              {REASONS.map((reason) => (
                <option key={reason} value={reason}>
                  {reasonName(reason)}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {isFiltered && (
          <Link
            to="/t/$tenant/sources/refused"
            params={{ tenant }}
            search={{}}
            className={buttonClass('quiet')}
          >
            All{search.address && <>, not only {search.address}</>}
          </Link>
        )}
      </div>
      {list.isPending ? (
        <Skeleton rows={6} height={36} />
      ) : list.isError && items.length === 0 ? (
        <FailureNote
          error={list.error}
          what="What was refused cannot be read."
          onRetry={() => void list.refetch()}
        />
      ) : items.length === 0 ? (
        <Empty title={isFiltered ? 'Nothing was refused for that' : 'Nothing was refused'}>
          Every delivery proved where it is from.
        </Empty>
      ) : (
        <Rows
          label="Refused deliveries"
          columns={columns}
          rows={items}
          keyOf={(one) => `${one.minute} ${one.address} ${one.reason} ${one.provider}`}
          onMore={list.hasNextPage ? () => void list.fetchNextPage() : undefined}
          isFetching={list.isFetchingNextPage}
        />
      )}
    </div>
  );
}
