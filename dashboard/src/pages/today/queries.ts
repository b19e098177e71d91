import { queryOptions } from '@tanstack/react-query';
import { api, read } from '../../api/client';
import { keys } from '../../api/keys';

/** Every figure of one day of the office. */
export const dayQuery = (tenant: string, day: string) =>
  queryOptions({
    queryKey: [...keys.figures(tenant), 'summary', day],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/metrics/summary', {
          params: { path: { tenant_id: tenant }, query: { from: day, to: day, compare: 'previous' } },
          signal,
        }),
      ),
  });

/** What simulated providers do on demand; a failure where they are real. */
export const demoQuery = (tenant: string) =>
  queryOptions({
    queryKey: [...keys.tenant(tenant), 'demo'],
    queryFn: ({ signal }) =>
      read(api.GET('/v1/tenants/{tenant_id}/demo', { params: { path: { tenant_id: tenant } }, signal })),
  });

/** How leads of a day came in, by channel. */
export const channelsQuery = (tenant: string, day: string) =>
  queryOptions({
    queryKey: [...keys.figures(tenant), 'channels', day],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/metrics/series', {
          params: {
            path: { tenant_id: tenant },
            query: { key: 'came_in', by: 'channel', from: day, to: day },
          },
          signal,
        }),
      ),
  });
