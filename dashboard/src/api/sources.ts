// Where a tenant's webhooks come from.
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import type { Schema } from '../ui/schema-form/schema';
import { callKey, ifMatch } from './act';
import { api, read, readAll, type Schemas } from './client';
import { keys } from './keys';

export const sourcesQuery = (tenant: string) =>
  queryOptions({
    queryKey: [...keys.sources(tenant), 'list'],
    queryFn: ({ signal }) =>
      readAll((query) =>
        api.GET('/v1/tenants/{tenant_id}/sources', { params: { path: { tenant_id: tenant }, query }, signal }),
      ),
  });

/** What comes in is told by no event of a source: it is read anew. */
const HEALTH_MS = 15_000;

export const healthQuery = (tenant: string, source: string) =>
  queryOptions({
    queryKey: [...keys.sources(tenant), 'health', source],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/sources/{source_id}/health', {
          params: { path: { tenant_id: tenant, source_id: source } },
          signal,
        }),
      ),
    staleTime: HEALTH_MS,
  });

export const completenessQuery = (tenant: string, from: string, to: string) =>
  queryOptions({
    queryKey: [...keys.sources(tenant), 'completeness', from, to],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/completeness', {
          params: { path: { tenant_id: tenant }, query: { from, to } },
          signal,
        }),
      ),
    staleTime: HEALTH_MS,
  });

export const catalogueQuery = (tenant: string) =>
  queryOptions({
    queryKey: [...keys.sources(tenant), 'catalogue'],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/source-catalogue', {
          params: { path: { tenant_id: tenant } },
          signal,
        }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const deliveriesQuery = (tenant: string, source: string) =>
  infiniteQueryOptions({
    queryKey: [...keys.sources(tenant), 'deliveries', source],
    queryFn: ({ signal, pageParam }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/events', {
          params: {
            path: { tenant_id: tenant },
            query: { source_id: source, limit: 20, ...(pageParam && { cursor: pageParam }) },
          },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    staleTime: HEALTH_MS,
  });

/** The deliveries of one lead; there are seldom more than a few. */
export const leadDeliveriesQuery = (tenant: string, request: string) =>
  queryOptions({
    queryKey: [...keys.lead(tenant, request), 'deliveries'],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/events', {
          params: { path: { tenant_id: tenant }, query: { request_id: request, limit: 50 } },
          signal,
        }),
      ),
  });

export const deliveryQuery = (tenant: string, event: string) =>
  queryOptions({
    queryKey: [...keys.sources(tenant), 'delivery', event],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/events/{event_id}', {
          params: { path: { tenant_id: tenant, event_id: event } },
          signal,
        }),
      ),
  });

const once = () => ({ 'Idempotency-Key': callKey() });

export const testSource = (tenant: string, source: string) =>
  read(
    api.POST('/v1/tenants/{tenant_id}/sources/{source_id}/test', {
      params: { path: { tenant_id: tenant, source_id: source }, header: once() },
    }),
  );

export const switchSource = (tenant: string, source: string, to: 'enable' | 'disable') =>
  read(
    api.POST(`/v1/tenants/{tenant_id}/sources/{source_id}/${to}`, {
      params: { path: { tenant_id: tenant, source_id: source }, header: once() },
    }),
  );

/** Changes what is named upon the version that was seen; the rest stays as it is. */
export const changeSource = (tenant: string, source: string, upon: number, body: Schemas['ChangedSource']) =>
  read(
    api.PATCH('/v1/tenants/{tenant_id}/sources/{source_id}', {
      params: { path: { tenant_id: tenant, source_id: source }, header: ifMatch(upon) },
      body,
    }),
  );

/** Has a delivery read again, as the same event. */
export const replayDelivery = (tenant: string, event: string) =>
  read(
    api.POST('/v1/tenants/{tenant_id}/events/{event_id}/replay', {
      params: { path: { tenant_id: tenant, event_id: event }, header: once() },
    }),
  );

export const addKey = (tenant: string, source: string, signingKey: string) =>
  read(
    api.POST('/v1/tenants/{tenant_id}/sources/{source_id}/keys', {
      params: { path: { tenant_id: tenant, source_id: source }, header: once() },
      body: signingKey ? { signing_key: signingKey } : {},
    }),
  );

export const removeKey = (tenant: string, source: string, key: string) =>
  read(
    api.DELETE('/v1/tenants/{tenant_id}/sources/{source_id}/keys/{key}', {
      params: { path: { tenant_id: tenant, source_id: source, key } },
    }),
  );

export const connectSource = (tenant: string, body: Schemas['NewConnectedSource']) =>
  read(
    api.POST('/v1/tenants/{tenant_id}/sources/connect', {
      params: { path: { tenant_id: tenant }, header: once() },
      body,
    }),
  );

/** What can be set of a provider's sources. */
export const settingsSchemaQuery = (provider: string) =>
  queryOptions({
    queryKey: ['schema', provider],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/schemas/source-settings/{provider}', { params: { path: { provider } }, signal }),
      ) as Promise<Schema>,
    staleTime: Number.POSITIVE_INFINITY,
  });

export const settingsQuery = (tenant: string, source: string) =>
  queryOptions({
    queryKey: [...keys.sources(tenant), 'settings', source],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/sources/{source_id}/settings', {
          params: { path: { tenant_id: tenant, source_id: source } },
          signal,
        }),
      ),
  });

/** Saves upon the version that was seen; none is named before there is one. */
export const saveSettings = (
  tenant: string,
  source: string,
  upon: number,
  settings: Record<string, unknown>,
  note: string,
) =>
  read(
    api.PUT('/v1/tenants/{tenant_id}/sources/{source_id}/settings', {
      params: {
        path: { tenant_id: tenant, source_id: source },
        ...(upon > 0 && { header: ifMatch(upon) }),
      },
      body: { settings: settings as Record<string, never>, ...(note && { note }) },
    }),
  );

/** A form to paste into the company's website. Only website forms have one. */
export const snippetQuery = (tenant: string, source: string) =>
  queryOptions({
    queryKey: [...keys.sources(tenant), 'snippet', source],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/sources/{source_id}/snippet', {
          params: { path: { tenant_id: tenant, source_id: source } },
          signal,
        }),
      ),
  });
