import { queryOptions } from '@tanstack/react-query';
import { api, read, type Schemas } from '../../api/client';
import { keys } from '../../api/keys';

/** Where leads stand of which people are told; some of them still wait for something else. */
const TOLD_OF: Schemas['Status'][] = ['completed', 'held', 'parked'];

/** The last leads of an office of which people are told, the newest first. */
export const toldOfQuery = (tenant: string, office: string, limit: number) =>
  queryOptions({
    // Among what is counted: every lead that comes or changes has it read anew.
    queryKey: [...keys.counts(tenant), 'told of', office],
    queryFn: async ({ signal }) => {
      const { items } = await read(
        api.GET('/v1/tenants/{tenant_id}/requests', {
          params: {
            path: { tenant_id: tenant },
            query: { status: TOLD_OF, office_id: office, limit },
          },
          signal,
        }),
      );
      return items.map((lead) => lead.request_id);
    },
  });

/** How many leads' messages wait for a person, of all offices. */
export const stoppedMessagesQuery = (tenant: string) =>
  queryOptions({
    queryKey: [...keys.work(tenant), 'messages'],
    queryFn: async ({ signal }) => {
      const { items } = await read(
        api.GET('/v1/tenants/{tenant_id}/work/counts', { params: { path: { tenant_id: tenant } }, signal }),
      );
      return items.reduce((sum, { stage, steps }) => sum + (stage === 'notification' ? steps : 0), 0);
    },
  });
