import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { callKey, ifMatch } from '../../api/act';
import { api, read, type Schemas } from '../../api/client';
import { keys } from '../../api/keys';
import type { Mapping } from './written';

const path = (tenant: string, connection: string) => ({ tenant_id: tenant, connection });

export const mappingQuery = (tenant: string, connection: string) =>
  queryOptions({
    queryKey: [...keys.mappings(tenant), connection],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/connections/{connection}/mapping', {
          params: { path: path(tenant, connection) },
          signal,
        }),
      ),
    // No event tells of it.
    staleTime: 15_000,
  });

/** The CRM's own fields: it is asked for them. */
export const schemaQuery = (tenant: string, connection: string) =>
  queryOptions({
    queryKey: [...keys.connections(tenant), connection, 'schema'],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/connections/{connection}/schema', {
          params: { path: path(tenant, connection) },
          signal,
        }),
      ),
    // The CRM is asked once for a visit, and at a press.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  });

export const versionsQuery = (tenant: string, connection: string) =>
  infiniteQueryOptions({
    queryKey: [...keys.mappings(tenant), connection, 'versions'],
    queryFn: ({ signal, pageParam }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/connections/{connection}/mapping/versions', {
          params: {
            path: path(tenant, connection),
            query: { limit: 10, ...(pageParam && { cursor: pageParam }) },
          },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    staleTime: 15_000,
  });

export const diffQuery = (tenant: string, connection: string, from: number, to: number) =>
  queryOptions({
    queryKey: [...keys.mappings(tenant), connection, 'diff', from, to],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/connections/{connection}/mapping/diff', {
          params: { path: path(tenant, connection), query: { from, to } },
          signal,
        }),
      ),
  });

/** Saves upon the version that was seen; none is named before there is one. */
export const saveMapping = (
  tenant: string,
  connection: string,
  upon: number,
  mapping: Mapping,
  note: string,
) =>
  read(
    api.PUT('/v1/tenants/{tenant_id}/connections/{connection}/mapping', {
      params: { path: path(tenant, connection), ...(upon > 0 && { header: ifMatch(upon) }) },
      body: { mapping: mapping as Schemas['NewFieldMapping']['mapping'], ...(note && { note }) },
    }),
  );

export const restoreVersion = (tenant: string, connection: string, version: number, upon: number) =>
  read(
    api.POST('/v1/tenants/{tenant_id}/connections/{connection}/mapping/versions/{version}/restore', {
      params: {
        path: { ...path(tenant, connection), version },
        header: { ...ifMatch(upon), 'Idempotency-Key': callKey() },
      },
    }),
  );

/** What a push of a lead would send, by this mapping. Nothing is written, here or there. */
export const preview = (tenant: string, connection: string, lead: string, mapping: Mapping) =>
  read(
    api.POST('/v1/tenants/{tenant_id}/connections/{connection}/mapping/preview', {
      params: { path: path(tenant, connection) },
      body: { request_id: lead, mapping: mapping as Schemas['NewFieldMapping']['mapping'] },
    }),
  );

/** So many leads can be chosen from; another one is named by its id. */
const LEADS = 30;

/** The last leads, for whoever chooses one. */
export const lastLeadsQuery = (tenant: string) =>
  queryOptions({
    queryKey: [...keys.tenant(tenant), 'last leads', LEADS],
    queryFn: async ({ signal }) => {
      const { items } = await read(
        api.GET('/v1/tenants/{tenant_id}/requests', {
          params: { path: { tenant_id: tenant }, query: { limit: LEADS } },
          signal,
        }),
      );
      return items;
    },
    staleTime: 15_000,
  });
