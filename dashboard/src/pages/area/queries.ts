import { queryOptions } from '@tanstack/react-query';
import { api, read } from '../../api/client';
import { keys } from '../../api/keys';

/** Where leads of the last days are, by ZIP code. */
export const placesQuery = (tenant: string, from: string, to: string) =>
  queryOptions({
    queryKey: [...keys.figures(tenant), 'places', from, to],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/metrics/places', {
          params: { path: { tenant_id: tenant }, query: { from, to } },
          signal,
        }),
      ),
  });
