// Live events of one tenant: one stream for each browser, whichever tab reads it; the others are fed by a channel.
import { type LiveMessage, readStream } from './stream';

export type LiveState = 'catching-up' | 'live' | 'off';
type Told =
  | { kind: 'message'; message: LiveMessage }
  | { kind: 'state'; state: LiveState; lastId: string | undefined }
  | { kind: 'ask' };

export type Listener = {
  /** All that came since the last frame, in order. */
  onMessages: (messages: LiveMessage[]) => void;
  onState: (state: LiveState) => void;
};

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/** The wait before a try: doubled each time, half of it by chance, so that many browsers do not come at once. */
export function waitBefore(tries: number, chance = Math.random()): number {
  const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, tries - 1));
  return longest / 2 + (longest / 2) * chance;
}

/** Follows a tenant's events until the returned function is called. `wake` tries again at once. */
export function follow(tenant: string, listener: Listener): { stop: () => void; wake: () => void } {
  const stopped = new AbortController();
  const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(`live:${tenant}`);
  let lastId: string | undefined;
  let state: LiveState = 'catching-up';
  let isReader = false;
  let counts: LiveMessage | undefined;
  let hello: LiveMessage | undefined;
  let wakeUp: () => void = () => {};

  let gathered: LiveMessage[] = [];
  const gather = (message: LiveMessage) => {
    if (message.id !== undefined) lastId = message.id;
    if (message.event === 'counts') counts = message;
    if (message.event === 'hello') hello = message;
    gathered.push(message);
    if (gathered.length === 1) nextFrame(flush);
  };
  const flush = () => {
    const messages = gathered;
    gathered = [];
    if (messages.length > 0 && !stopped.signal.aborted) listener.onMessages(messages);
  };
  const tell = (told: Told) => channel?.postMessage(told);
  const enter = (next: LiveState) => {
    state = next;
    listener.onState(next);
    if (isReader) tell({ kind: 'state', state: next, lastId });
  };

  channel?.addEventListener('message', ({ data }: MessageEvent<Told>) => {
    if (data.kind === 'message' && !isReader) gather(data.message);
    if (data.kind === 'state' && !isReader) {
      lastId = data.lastId ?? lastId;
      state = data.state;
      listener.onState(state);
    }
    if (data.kind === 'ask' && isReader) {
      tell({ kind: 'state', state, lastId });
      for (const message of [hello, counts]) if (message) tell({ kind: 'message', message });
    }
  });

  const readOn = async (until: AbortSignal) => {
    isReader = true;
    let tries = 0;
    while (!until.aborted) {
      // A server that has gone leaves the line open for a moment: that it speaks again is what counts.
      let hasSpoken = false;
      try {
        await readStream(tenant, lastId, until, (message) => {
          if (!hasSpoken) {
            hasSpoken = true;
            tries = 0;
            enter('live');
          }
          gather(message);
          tell({ kind: 'message', message });
        });
      } catch {
        // Whatever it was, the next try tells.
      }
      if (until.aborted) break;
      tries += 1;
      enter(tries > 3 ? 'off' : 'catching-up');
      await new Promise<void>((done) => {
        const timer = setTimeout(done, waitBefore(tries));
        wakeUp = () => {
          clearTimeout(timer);
          done();
        };
        until.addEventListener('abort', wakeUp, { once: true });
      });
    }
    isReader = false;
  };

  const wake = () => wakeUp();
  const onVisible = () => {
    if (document.visibilityState === 'visible') wake();
  };
  addEventListener('online', wake);
  document.addEventListener('visibilitychange', onVisible);

  if (navigator.locks) {
    tell({ kind: 'ask' });
    navigator.locks
      .request(`live:${tenant}`, { signal: stopped.signal }, () => readOn(stopped.signal))
      .catch(() => {}); // Stopped while it waited for its turn.
  } else {
    // On plain HTTP in a local network there are no locks: only the tab that is looked at reads.
    void whileVisible(stopped.signal, readOn);
  }

  return {
    stop: () => {
      stopped.abort();
      removeEventListener('online', wake);
      document.removeEventListener('visibilitychange', onVisible);
      channel?.close();
    },
    wake,
  };
}

async function whileVisible(
  stopped: AbortSignal,
  readOn: (until: AbortSignal) => Promise<void>,
): Promise<void> {
  while (!stopped.aborted) {
    const hidden = new AbortController();
    const check = () => {
      if (document.visibilityState === 'hidden') hidden.abort();
    };
    document.addEventListener('visibilitychange', check);
    if (document.visibilityState === 'visible') await readOn(AbortSignal.any([stopped, hidden.signal]));
    document.removeEventListener('visibilitychange', check);
    if (stopped.aborted) return;
    await new Promise<void>((done) => {
      document.addEventListener('visibilitychange', () => done(), { once: true, signal: stopped });
      stopped.addEventListener('abort', () => done(), { once: true });
    });
  }
}

/** The next frame, or soon, where no frames come: a tab that nobody sees. */
function nextFrame(then: () => void): void {
  let isDone = false;
  const once = () => {
    if (isDone) return;
    isDone = true;
    then();
  };
  requestAnimationFrame(once);
  setTimeout(once, 250);
}
