// Bulk work that the server does: it goes on when the tab is closed.
import { queryOptions } from '@tanstack/react-query';
import { callKey } from './act';
import { api, read, type Schemas } from './client';
import { keys } from './keys';

export type Job = Schemas['Job'];

export const isOpen = ({ state }: Job): boolean => state === 'queued' || state === 'running';

/** The stream tells when a job begins and ends; how far it is in between has to be asked. */
const PROGRESS_MS = 1_000;

export const jobsQuery = (tenant: string) =>
  queryOptions({
    queryKey: keys.jobs(tenant),
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/jobs', {
          params: { path: { tenant_id: tenant }, query: { limit: 10 } },
          signal,
        }),
      ),
    refetchInterval: ({ state }) => (state.data?.items.some(isOpen) ? PROGRESS_MS : false),
  });

export const jobQuery = (tenant: string, id: string) =>
  queryOptions({
    queryKey: [...keys.jobs(tenant), id],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/jobs/{job_id}', {
          params: { path: { tenant_id: tenant, job_id: id } },
          signal,
        }),
      ),
    refetchInterval: ({ state }) => (!state.data || isOpen(state.data) ? PROGRESS_MS : false),
  });

export const startJob = (tenant: string, body: Schemas['NewJob']): Promise<Job> =>
  read(
    api.POST('/v1/tenants/{tenant_id}/jobs', {
      params: { path: { tenant_id: tenant }, header: { 'Idempotency-Key': callKey() } },
      body,
    }),
  );

export const cancelJob = (tenant: string, id: string): Promise<Job> =>
  read(
    api.DELETE('/v1/tenants/{tenant_id}/jobs/{job_id}', {
      params: { path: { tenant_id: tenant, job_id: id } },
    }),
  );
