// A tenant's accounts at providers.
import { queryOptions } from '@tanstack/react-query';
import { api, read, readAll, type Schemas } from './client';
import { keys } from './keys';

export const connectionsQuery = (tenant: string) =>
  queryOptions({
    queryKey: keys.connections(tenant),
    queryFn: ({ signal }) =>
      readAll((query) =>
        api.GET('/v1/tenants/{tenant_id}/connections', {
          params: { path: { tenant_id: tenant }, query },
          signal,
        }),
      ),
  });

/** Sets a connection's secret; what was held for it goes on. */
export const setSecret = (
  tenant: string,
  connection: string,
  body: Schemas['NewSecret'],
): Promise<Schemas['SecretSet']> =>
  read(
    api.PUT('/v1/tenants/{tenant_id}/connections/{connection}/secret', {
      params: { path: { tenant_id: tenant, connection } },
      body,
    }),
  );
