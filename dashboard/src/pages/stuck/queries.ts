import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, read, type Schemas } from '../../api/client';
import { keys } from '../../api/keys';

export type Reason = Schemas['StoppedCountEntry'];

/** How many steps stopped, by reason. */
export const reasonsQuery = (tenant: string) =>
  queryOptions({
    queryKey: [...keys.work(tenant), 'counts'],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/work/counts', { params: { path: { tenant_id: tenant } }, signal }),
      ),
  });

/** What makes a step one of a reason's, as the API takes it. */
export const filterOf = ({ state, stage, cause, connection }: Reason) => ({
  state,
  stage,
  ...(cause && { cause }),
  ...(connection && { connection }),
});

/** The steps of one reason. */
export const stepsQuery = (tenant: string, reason: Reason, limit: number) =>
  infiniteQueryOptions({
    queryKey: [...keys.work(tenant), 'steps', filterOf(reason), limit],
    queryFn: ({ signal, pageParam }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/work', {
          params: {
            path: { tenant_id: tenant },
            query: { ...filterOf(reason), limit, ...(pageParam && { cursor: pageParam }) },
          },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
