import type { ReactNode } from 'react';
import type { Schemas } from '../../api/client';
import type { Refusals as Search } from '../../api/refusals';
import { number } from '../../text/format';
import { namesOf, providerName } from '../../text/words';
import Empty from '../empty/empty';
import FailureNote from '../failure/failure';
import Field, { Select } from '../field/field';
import layout from '../layout/layout.module.css';
import Rows, { type Column } from '../rows/rows';
import Skeleton from '../skeleton/skeleton';
import Text from '../text/text';
import Time from '../time/time';

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
  unknown_tenant:
    'The URL names no company: it was entered wrongly, is of one that was suspended, or is guessed.',
};

/** What a list of refusals is read from, page by page. */
type List = {
  data: { pages: readonly { items: readonly Schemas['SecurityEvent'][] }[] } | undefined;
  error: unknown;
  isPending: boolean;
  isError: boolean;
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  refetch: () => unknown;
  fetchNextPage: () => unknown;
};

/** Deliveries that were refused before they were stored, filtered by what the address of the page says. */
export default function Refusals({
  list,
  search,
  reasons,
  onSearch,
  linkTo,
}: {
  list: List;
  search: Search;
  /** What can be filtered for. */
  reasons: readonly string[];
  onSearch: (next: Search) => void;
  linkTo: (next: Search, words: ReactNode, title?: string) => ReactNode;
}) {
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const isFiltered = Boolean(search.address || search.reason);
  const columns: Column<Schemas['SecurityEvent']>[] = [
    { name: 'Minute', fits: true, of: (one) => <Time at={one.minute} /> },
    { name: 'Source', fits: true, of: (one) => providerName(one.provider) },
    {
      name: 'From',
      fits: true,
      of: (one) =>
        linkTo(
          { ...search, address: one.address },
          <Text>{one.address}</Text>,
          'Only those from this address',
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
    <>
      <div className={layout.row}>
        <Field label="Why">
          {(props) => (
            <Select
              {...props}
              value={search.reason ?? ''}
              onChange={(reason) => {
                const { reason: _, ...rest } = search;
                onSearch(reason ? { ...rest, reason } : rest);
              }}
            >
              <option value="">Any reason</option>
              {reasons.map((reason) => (
                <option key={reason} value={reason}>
                  {reasonName(reason)}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {isFiltered && linkTo({}, <>All{search.address && <>, not only {search.address}</>}</>)}
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
    </>
  );
}
