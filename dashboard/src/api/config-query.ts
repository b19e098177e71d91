import { queryOptions } from '@tanstack/react-query';
import { api, read } from './client';
import { keys } from './keys';

/** What an office does with its leads: the lines of the spam gate, its CRMs, and who is told. */
export const configQuery = (tenant: string, office: string) =>
  queryOptions({
    queryKey: [...keys.configs(tenant), office],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/offices/{office_id}/config', {
          params: { path: { tenant_id: tenant, office_id: office } },
          signal,
        }),
      ),
  });
