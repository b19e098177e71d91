// Views of a list that people keep under a name of their own.
import { queryOptions } from '@tanstack/react-query';
import { api, read, readAll, type Schemas } from './client';
import { keys } from './keys';

export const viewsQuery = (tenant: string) =>
  queryOptions({
    queryKey: keys.views(tenant),
    queryFn: ({ signal }) =>
      readAll((query) =>
        api.GET('/v1/tenants/{tenant_id}/views', { params: { path: { tenant_id: tenant }, query }, signal }),
      ),
    staleTime: 60_000,
  });

export const saveView = (tenant: string, id: string, body: Schemas['NewSavedView']) =>
  read(
    api.PUT('/v1/tenants/{tenant_id}/views/{view_id}', {
      params: { path: { tenant_id: tenant, view_id: id } },
      body,
    }),
  );

export const removeView = (tenant: string, id: string) =>
  read(
    api.DELETE('/v1/tenants/{tenant_id}/views/{view_id}', {
      params: { path: { tenant_id: tenant, view_id: id } },
    }),
  );
