// The companies that somebody sees, and for who administers the installation what can be done about them.
import { queryOptions } from '@tanstack/react-query';
import { callKey } from './act';
import { api, read, type Schemas } from './client';
import { keys } from './keys';

export type Tenant = Schemas['Tenant'];
export type Needs = Schemas['TenantNeeds'];

/** Most companies that the server tells of at once. */
export const MOST_TENANTS = 1_000;

/** What waits for somebody in each company; those first that need somebody most. */
export const needsQuery = queryOptions({
  queryKey: keys.tenants,
  queryFn: ({ signal }) => read(api.GET('/v1/me/tenants', { signal })),
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
