// One reading of a tenant's live stream, from its opening to its end.
import { createParser } from 'eventsource-parser';
import { send } from './client';
import { Failure } from './problem';

export type LiveMessage = { id: string | undefined; event: string; data: unknown };

/** Without a word for so long, the connection is broken: a comment comes every 15 seconds. */
const SILENCE_MS = 45_000;

/** Reads until the stream ends. Rejects when it could not be opened, or broke. */
export async function readStream(
  tenant: string,
  lastId: string | undefined,
  signal: AbortSignal,
  onMessage: (message: LiveMessage) => void,
): Promise<void> {
  const silence = new AbortController();
  const either = AbortSignal.any([signal, silence.signal]);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE_MS);
  };
  try {
    heard();
    const url = new URL(`/v1/tenants/${encodeURIComponent(tenant)}/live`, location.origin);
    const headers = {
      accept: 'text/event-stream',
      ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
    };
    const response = await send(new Request(url, { headers, signal: either }));
    if (!response.ok || !response.body) throw Failure.of(response, await response.json().catch(() => null));
    const parser = createParser({
      onEvent: ({ id, event, data }) => {
        const parsed = parse(data);
        if (event && parsed !== undefined) onMessage({ id, event, data: parsed });
      },
    });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      heard();
      parser.feed(part.value);
    }
  } finally {
    clearTimeout(timer);
  }
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
