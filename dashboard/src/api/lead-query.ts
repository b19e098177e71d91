import { queryOptions } from '@tanstack/react-query';
import { api, read } from './client';
import { keys } from './keys';

export const leadQuery = (tenant: string, id: string) =>
  queryOptions({
    queryKey: keys.lead(tenant, id),
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/requests/{request_id}', {
          params: { path: { tenant_id: tenant, request_id: id } },
          signal,
        }),
      ),
  });
