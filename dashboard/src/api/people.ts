import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { callKey } from './act';
import { api, read, readAll, type Schemas } from './client';
import { keys } from './keys';

export const ROLES = [
  'viewer',
  'operator',
  'tenant_admin',
] as const satisfies readonly Schemas['TenantRole'][];
export type Role = (typeof ROLES)[number];

export const peopleQuery = (tenant: string) =>
  infiniteQueryOptions({
    queryKey: [...keys.people(tenant), 'list'],
    queryFn: ({ signal, pageParam }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/people', {
          params: { path: { tenant_id: tenant }, query: pageParam ? { cursor: pageParam } : {} },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export const invitationsQuery = (tenant: string) =>
  queryOptions({
    queryKey: [...keys.people(tenant), 'invitations'],
    queryFn: ({ signal }) =>
      readAll((query) =>
        api.GET('/v1/tenants/{tenant_id}/invitations', {
          params: { path: { tenant_id: tenant }, query },
          signal,
        }),
      ),
  });

export const invite = (tenant: string, email: string, role: Role) =>
  read(
    api.POST('/v1/tenants/{tenant_id}/invitations', {
      params: { path: { tenant_id: tenant }, header: { 'Idempotency-Key': callKey() } },
      body: { email, role },
    }),
  );

export const withdraw = (tenant: string, invitation: string) =>
  read(
    api.DELETE('/v1/tenants/{tenant_id}/invitations/{invitation_id}', {
      params: { path: { tenant_id: tenant, invitation_id: invitation } },
    }),
  );

export const giveRole = (tenant: string, user: string, role: Role) =>
  read(
    api.PUT('/v1/tenants/{tenant_id}/people/{user_id}', {
      params: { path: { tenant_id: tenant, user_id: user } },
      body: { role },
    }),
  );

export const removePerson = (tenant: string, user: string) =>
  read(
    api.DELETE('/v1/tenants/{tenant_id}/people/{user_id}', {
      params: { path: { tenant_id: tenant, user_id: user } },
    }),
  );
