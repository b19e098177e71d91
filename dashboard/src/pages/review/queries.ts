import { callKey } from '../../api/act';
import { api, read } from '../../api/client';
import type { Filter } from '../../api/filter';

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
