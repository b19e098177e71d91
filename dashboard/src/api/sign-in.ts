// Who is signed in, in this tab. The token is kept in memory alone; what survives a reload is a cookie that only the
// routes of signing in read.
import { Failure } from './problem';

type Token = { token: string; expires_at: string };
type Held = { bearer: string; endsAt: number; canRenew: boolean };

let held: Held | null = null;
let renewing: Promise<string> | null = null;
let onEnd: () => void = () => {};

/** A token is renewed this long before it ends. */
const EARLY_MS = 60_000;

async function call(path: string, method: string, body?: unknown): Promise<Response> {
  try {
    return await fetch(`/v1/sign-in${path}`, {
      method,
      credentials: 'same-origin',
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  } catch {
    throw Failure.offline();
  }
}

async function take(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw Failure.of(response, body);
  const { token: bearer, expires_at } = body as Token;
  held = { bearer, endsAt: Date.now() + Math.max(0, lifeOf(response, expires_at)), canRenew: true };
  return bearer;
}

/** How long it lives by the server's clock, whatever this machine's says. */
function lifeOf(response: Response, endsAt: string): number {
  const server = Date.parse(response.headers.get('date') ?? '');
  return Date.parse(endsAt) - (Number.isNaN(server) ? Date.now() : server);
}

/** Signs in by a code that works once. */
export async function signIn(code: string): Promise<void> {
  await take(await call('', 'POST', { code }));
}

/** Goes on with a token that somebody pasted; it cannot be renewed. */
export function useToken(bearer: string): void {
  held = { bearer, endsAt: Number.POSITIVE_INFINITY, canRenew: false };
}

/** Gets the next token. Tabs take turns: each refresh replaces the cookie that they share. */
export function renew(): Promise<string> {
  if (held && !held.canRenew) {
    end();
    return Promise.reject(new Failure('unauthorized', 401, 'The token has ended', 'Sign in again.'));
  }
  const refresh = async () => take(await call('/refresh', 'POST'));
  const inTurn = async (): Promise<string> =>
    navigator.locks ? await navigator.locks.request('sign-in', refresh) : refresh();
  if (renewing) return renewing;
  renewing = inTurn()
    .catch((error: unknown) => {
      if (error instanceof Failure && !error.isPassing) end();
      throw error;
    })
    .finally(() => {
      renewing = null;
    });
  return renewing;
}

/** A token that is good now. */
export async function token(): Promise<string> {
  return held && held.endsAt - Date.now() > EARLY_MS ? held.bearer : renew();
}

export const isSignedIn = (): boolean => held !== null;

export async function signOut(): Promise<void> {
  if (held?.canRenew) await call('', 'DELETE');
  held = null;
}

/** Called when the sign-in ended without anybody's wish. */
export function whenEnded(then: () => void): void {
  onEnd = then;
}

function end(): void {
  const was = held;
  held = null;
  if (was) onEnd();
}

/** How a page load began. */
export type Start = { kind: 'signed-in' } | { kind: 'signed-out' } | { kind: 'refused'; failure: Failure };

/** A code in the address signs in, and is taken out of the address first; else the session of this browser goes on. */
export async function start(): Promise<Start> {
  const code = new URLSearchParams(location.hash.slice(1)).get('code');
  if (code) {
    history.replaceState(history.state, '', location.pathname + location.search);
    try {
      await signIn(code);
      return { kind: 'signed-in' };
    } catch (error) {
      if (error instanceof Failure) return { kind: 'refused', failure: error };
      throw error;
    }
  }
  try {
    await renew();
    return { kind: 'signed-in' };
  } catch (error) {
    if (error instanceof Failure && error.status !== 401 && error.status !== 404) {
      return { kind: 'refused', failure: error };
    }
    return { kind: 'signed-out' };
  }
}
