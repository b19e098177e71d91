import { useQuery } from '@tanstack/react-query';
import type { ReactElement, ReactNode } from 'react';
import type { Schemas } from '../../api/client';
import { officesQuery } from '../../api/queries';
import Empty from '../empty/empty';
import FailureNote from '../failure/failure';
import Skeleton from '../skeleton/skeleton';
import Views from '../views/views';

/**
 * A page of one office: the one that its address names, or else the first; a way to the others; and what stands there
 * as long as there is none.
 */
export function useOfficePage({
  tenant,
  wanted,
  link,
  bones,
  none,
}: {
  tenant: string;
  /** The office that the address names. */
  wanted: string | undefined;
  /** The same page of another office. */
  link: (office: string) => ReactElement;
  /** What is shown while it loads: rows, and how high they are. */
  bones: { rows: number; height: number };
  /** What belongs to an office, in a sentence, for a company that has none. */
  none: string;
}): { office: Schemas['Office'] | undefined; picker: ReactNode; instead: ReactNode } {
  const offices = useQuery(officesQuery(tenant));
  const items = offices.data?.items ?? [];
  const office = items.find((one) => one.office_id === wanted) ?? items[0];
  const picker = items.length > 1 && (
    <Views
      label="Offices"
      views={items.map((one) => ({
        name: one.name,
        isOpen: one === office,
        link: link(one.office_id),
      }))}
    />
  );
  const instead = offices.isPending ? (
    <Skeleton {...bones} />
  ) : offices.isError && !office ? (
    <FailureNote
      error={offices.error}
      what="The offices cannot be read."
      onRetry={() => void offices.refetch()}
    />
  ) : (
    !office && <Empty title="No office yet">{none}</Empty>
  );
  return { office, picker, instead };
}
