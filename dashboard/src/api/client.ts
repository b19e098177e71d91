// The API, typed by its description.
import createClient from 'openapi-fetch';
import { Failure } from './problem';
import type { components, paths } from './schema';
import { renew, token } from './sign-in';

export type Schemas = components['schemas'];
export type Lead = Schemas['RequestSummary'];

/** Sends a request as whoever is signed in. A token that just ended is renewed once. */
export async function send(request: Request): Promise<Response> {
  const attempt = async (bearer: string) => {
    const copy = request.clone();
    copy.headers.set('authorization', `Bearer ${bearer}`);
    return fetch(copy);
  };
  const first = await attempt(await token());
  return first.status === 401 ? attempt(await renew()) : first;
}

export const api = createClient<paths>({
  baseUrl: typeof location === 'undefined' ? 'http://localhost' : location.origin,
  fetch: send,
});

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** What was answered. Every failure is a `Failure`, also that nothing answered at all. */
export async function read<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (error) {
    throw error instanceof Failure || isAbort(error) ? error : Failure.offline();
  }
  if (answer.error !== undefined || !answer.response.ok) throw Failure.of(answer.response, answer.error);
  return answer.data as T;
}

type Page<T> = { items: T[]; next_cursor: string | null };

/** All of a list, page by page. */
export async function readAll<T>(
  page: (query: { cursor?: string }) => Promise<Answer<Page<T>>>,
): Promise<Page<T>> {
  const items: T[] = [];
  for (let query: { cursor?: string } = {}; ; ) {
    const { items: more, next_cursor: cursor } = await read(page(query));
    items.push(...more);
    if (cursor === null) return { items, next_cursor: null };
    query = { cursor };
  }
}

const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';
