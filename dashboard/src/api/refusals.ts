// Deliveries that were refused before they were stored, by minute, address and reason.
import { infiniteQueryOptions } from '@tanstack/react-query';
import { one } from '../text/search';
import { api, read } from './client';
import { keys } from './keys';

export type Refusals = { address?: string; reason?: string };

/** Whose refusals are looked at, and those for what. */
export function readRefusals(raw: Record<string, unknown>): Refusals {
  const address = one(raw, 'address')?.trim().slice(0, 64);
  const reason = one(raw, 'reason')?.trim().slice(0, 64);
  return { ...(address && { address }), ...(reason && { reason }) };
}

/** No event tells of what was refused: it is read anew. */
const FRESH_MS = 15_000;
const A_PAGE = 50;

const queryOf = ({ address, reason }: Refusals, cursor: string | undefined) => ({
  limit: A_PAGE,
  ...(address && { address }),
  ...(reason && { reason }),
  ...(cursor && { cursor }),
});

/** Those at a company's sources. */
export const refusalsQuery = (tenant: string, search: Refusals) =>
  infiniteQueryOptions({
    queryKey: [...keys.sources(tenant), 'refusals', search.address ?? '', search.reason ?? ''],
    queryFn: ({ signal, pageParam }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/security-events', {
          params: { path: { tenant_id: tenant }, query: queryOf(search, pageParam) },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    staleTime: FRESH_MS,
  });

/** Those that named no company of ours. */
export const refusalsOfNobodyQuery = (search: Refusals) =>
  infiniteQueryOptions({
    queryKey: [...keys.refusals, search.address ?? '', search.reason ?? ''],
    queryFn: ({ signal, pageParam }) =>
      read(api.GET('/v1/security-events', { params: { query: queryOf(search, pageParam) }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    staleTime: FRESH_MS,
  });
