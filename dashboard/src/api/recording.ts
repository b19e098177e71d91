// The audio of a call, by a link: a browser's player sends no token.
import { api, read } from './client';

export type RecordingLink = {
  url: string;
  /** By this page's own clock: the server's may be another. */
  endsAt: number;
};

/** Links are good for 5 minutes; one that is nearly over is not used. */
const GOOD_MS = 4 * 60_000;

export async function linkRecording(tenant: string, request: string): Promise<RecordingLink> {
  const { url } = await read(
    api.POST('/v1/tenants/{tenant_id}/requests/{request_id}/recording/link', {
      params: { path: { tenant_id: tenant, request_id: request } },
    }),
  );
  return { url, endsAt: performance.now() + GOOD_MS };
}
