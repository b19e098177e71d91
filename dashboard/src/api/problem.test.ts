import { expect, it } from 'vitest';
import { waitBefore } from './live';
import { explain, Failure } from './problem';

const answer = (status: number, headers: Record<string, string> = {}) => ({
  status,
  headers: new Headers(headers),
});
const problem = (kind: string, status: number) =>
  Failure.of(answer(status, { 'retry-after': '12' }), {
    type: `/problems/${kind}`,
    title: 'Title',
    status,
    detail: 'What to do.',
    request_id: 'abc',
  });

it('says in words what the known problems mean', () => {
  expect(explain(problem('too-many-requests', 429)).detail).toBe('It works again in 12 s.');
  expect(explain(problem('forbidden', 403)).title).toContain('role');
});

it('shows a problem that has many reasons, or that it does not know, as the server told it', () => {
  for (const [kind, status] of [
    ['conflict', 409],
    ['precondition-failed', 412],
    ['out-of-paper', 418],
  ] as const) {
    expect(explain(problem(kind, status))).toEqual({
      title: 'Title',
      detail: 'What to do.',
      requestId: 'abc',
    });
  }
});

it('takes whatever a server answers', () => {
  for (const body of [null, 'text', 7, [], { errors: 'none', title: 3 }]) {
    const failure = Failure.of(answer(502), body);
    expect([failure.kind, failure.status, failure.isPassing]).toEqual(['unknown', 502, true]);
  }
  expect(problem('not-found', 404).isPassing).toBe(false);
  expect(Failure.offline().isPassing).toBe(true);
});

it('waits longer from try to try, and never longer than half a minute', () => {
  expect([1, 2, 3, 9].map((tries) => waitBefore(tries, 1))).toEqual([500, 1000, 2000, 30_000]);
  expect(waitBefore(1, 0)).toBe(250);
});
