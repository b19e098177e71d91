import { queryOptions } from '@tanstack/react-query';
import { callKey } from '../../api/act';
import { api, read } from '../../api/client';
import type { Filter } from '../../api/filter';
import { keys } from '../../api/keys';

/** What waits for a decision, the oldest first. */
export const QUEUE: Filter = { status: ['in_review'], sort: 'oldest' };

export type Decision = 'approve' | 'reject' | 'release';

export const decide = (tenant: string, id: string, decision: Decision) =>
  read(
    api.POST(`/v1/tenants/{tenant_id}/requests/{request_id}/${decision}`, {
      params: {
        path: { tenant_id: tenant, request_id: id },
        header: { 'Idempotency-Key': callKey() },
      },
    }),
  );

/** What an office does with its leads: the lines of the spam gate, and who is told. */
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
