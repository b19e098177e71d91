// Every company of the installation, for who administers it.
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { callKey } from './act';
import { api, read, type Schemas } from './client';
import { keys } from './keys';

export type Tenant = Schemas['Tenant'];

export const tenantsQuery = infiniteQueryOptions({
  queryKey: keys.tenants,
  queryFn: ({ signal, pageParam }) =>
    read(
      api.GET('/v1/tenants', {
        params: { query: { limit: 50, ...(pageParam && { cursor: pageParam }) } },
        signal,
      }),
    ),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.next_cursor ?? undefined,
  staleTime: 15_000,
});

/** How many steps of a company stopped, whatever the reason. */
export const stoppedQuery = (tenant: string) =>
  queryOptions({
    queryKey: [...keys.tenants, 'stopped', tenant],
    queryFn: async ({ signal }) => {
      const { items } = await read(
        api.GET('/v1/tenants/{tenant_id}/work/counts', { params: { path: { tenant_id: tenant } }, signal }),
      );
      return items.reduce((sum, { steps }) => sum + steps, 0);
    },
    staleTime: 15_000,
  });

export const create = (body: Schemas['NewTenant']): Promise<Tenant> =>
  read(api.POST('/v1/tenants', { params: { header: { 'Idempotency-Key': callKey() } }, body }));

const at = (tenant: string) => ({ params: { path: { tenant_id: tenant } } });

export const rename = (tenant: string, name: string): Promise<Tenant> =>
  read(api.PUT('/v1/tenants/{tenant_id}', { ...at(tenant), body: { name } }));

export const suspend = (tenant: string): Promise<Tenant> =>
  read(api.POST('/v1/tenants/{tenant_id}/suspend', at(tenant)));

export const resume = (tenant: string): Promise<Tenant> =>
  read(api.POST('/v1/tenants/{tenant_id}/resume', at(tenant)));
