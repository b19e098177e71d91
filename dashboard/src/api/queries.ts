// What more than one page reads.
import { QueryClient, queryOptions } from '@tanstack/react-query';
import { api, read, readAll, type Schemas } from './client';
import { keys } from './keys';
import { isLive } from './live-store';
import { Failure } from './problem';

/** While live, events keep answers true; else they are read anew after a quarter of a minute. */
export const makeCache = (): QueryClient =>
  new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: () => (isLive() ? Number.POSITIVE_INFINITY : 15_000),
        retry: (tries, error) => tries < 3 && error instanceof Failure && error.isPassing,
        retryDelay: (tries, error) => {
          const wait = error instanceof Failure ? error.retryAfterSeconds : null;
          return wait ? wait * 1000 : Math.min(500 * 2 ** tries, 10_000);
        },
        networkMode: 'always',
        refetchOnWindowFocus: () => !isLive(),
      },
      mutations: { networkMode: 'always' },
    },
  });

export const meQuery = queryOptions({
  queryKey: keys.me,
  queryFn: ({ signal }) => read(api.GET('/v1/me', { signal })),
  staleTime: 60_000,
});

/** The company that one lands on: the first that takes leads. */
export const firstOf = ({ tenants }: Pick<Schemas['Me'], 'tenants'>) =>
  tenants.find(({ status }) => status === 'active') ?? tenants[0];

export const officesQuery = (tenant: string) =>
  queryOptions({
    queryKey: keys.offices(tenant),
    queryFn: ({ signal }) =>
      readAll((query) =>
        api.GET('/v1/tenants/{tenant_id}/offices', { params: { path: { tenant_id: tenant }, query }, signal }),
      ),
  });
