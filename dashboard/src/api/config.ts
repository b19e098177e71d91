import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { callKey, ifMatch } from './act';
import { api, read, type Schemas } from './client';
import type { SavedConfig } from './config-query';
import { keys } from './keys';

export type Config = SavedConfig['config'];

const path = (tenant: string, office: string) => ({ tenant_id: tenant, office_id: office });

export const versionsQuery = (tenant: string, office: string) =>
  infiniteQueryOptions({
    queryKey: [...keys.configs(tenant), office, 'versions'],
    queryFn: ({ signal, pageParam }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/offices/{office_id}/config/versions', {
          params: {
            path: path(tenant, office),
            query: { limit: 10, ...(pageParam && { cursor: pageParam }) },
          },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export const diffQuery = (tenant: string, office: string, from: number, to: number) =>
  queryOptions({
    queryKey: [...keys.configs(tenant), office, 'diff', from, to],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/offices/{office_id}/config/diff', {
          params: { path: path(tenant, office), query: { from, to } },
          signal,
        }),
      ),
  });

/** Saves upon the version that was seen; none is named before there is one. */
export const saveConfig = (tenant: string, office: string, upon: number, config: Config, note: string) =>
  read(
    api.PUT('/v1/tenants/{tenant_id}/offices/{office_id}/config', {
      params: { path: path(tenant, office), ...(upon > 0 && { header: ifMatch(upon) }) },
      body: { config: config as Schemas['WorkflowConfig'], ...(note && { note }) },
    }),
  );

export const restoreVersion = (tenant: string, office: string, version: number, upon: number) =>
  read(
    api.POST('/v1/tenants/{tenant_id}/offices/{office_id}/config/versions/{version}/restore', {
      params: {
        path: { ...path(tenant, office), version },
        header: { ...ifMatch(upon), 'Idempotency-Key': callKey() },
      },
    }),
  );

export const tryConfig = (tenant: string, office: string, config: Config, days: number) =>
  read(
    api.POST('/v1/tenants/{tenant_id}/offices/{office_id}/config/dry-run', {
      params: { path: path(tenant, office), header: { 'Idempotency-Key': callKey() } },
      body: { config: config as Schemas['WorkflowConfig'], days },
    }),
  );
