import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, read } from './client';
import { asQuery, type Filter } from './filter';
import { keys } from './keys';

const PAGE = 100;

export const leadsQuery = (tenant: string, filter: Filter) =>
  infiniteQueryOptions({
    queryKey: keys.list(tenant, filter),
    queryFn: ({ signal, pageParam }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/requests', {
          params: {
            path: { tenant_id: tenant },
            query: {
              ...asQuery(filter),
              ...(filter.sort && { sort: filter.sort }),
              ...(pageParam && { cursor: pageParam }),
              limit: PAGE,
            },
          },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export const countQuery = (tenant: string, { sort: _, ...filter }: Filter) =>
  queryOptions({
    queryKey: keys.count(tenant, filter),
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/requests/count', {
          params: { path: { tenant_id: tenant }, query: asQuery(filter) },
          signal,
        }),
      ),
  });
