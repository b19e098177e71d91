import { queryOptions } from '@tanstack/react-query';
import { api, read } from './client';
import { keys } from './keys';

const readConfig = (tenant: string, office: string, signal: AbortSignal) =>
  read(
    api.GET('/v1/tenants/{tenant_id}/offices/{office_id}/config', {
      params: { path: { tenant_id: tenant, office_id: office } },
      signal,
    }),
  );

/** A version of an office's rules, as it is answered. */
export type SavedConfig = Awaited<ReturnType<typeof readConfig>>;

/** What an office does with its leads: the lines of the spam gate, its CRMs, and who is told. */
export const configQuery = (tenant: string, office: string) =>
  queryOptions({
    queryKey: [...keys.configs(tenant), office],
    queryFn: ({ signal }) => readConfig(tenant, office, signal),
  });
