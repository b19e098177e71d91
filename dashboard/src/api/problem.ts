// Failures, and what a person can do about them.

/** A failure of the API (RFC 9457), or that nothing answered. */
export class Failure extends Error {
  constructor(
    /** The last part of the problem's `type`, or `offline`. */
    readonly kind: string,
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly requestId: string | null = null,
    readonly retryAfterSeconds: number | null = null,
    readonly fields: readonly { field: string; message: string; code?: string }[] = [],
  ) {
    super(`${title}: ${detail}`);
    this.name = 'Failure';
  }

  static offline(): Failure {
    return new Failure(
      'offline',
      0,
      'The server does not answer',
      'Check the connection. This page tries again by itself.',
    );
  }

  /** From an answer and its body, which may be anything. */
  static of(response: Pick<Response, 'status' | 'headers'>, body: unknown): Failure {
    const problem = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
    const text = (key: string, or: string) =>
      typeof problem[key] === 'string' ? (problem[key] as string) : or;
    const type = text('type', '');
    const errors = Array.isArray(problem.errors) ? problem.errors : [];
    const wait = Number(response.headers.get('retry-after'));
    return new Failure(
      type.startsWith('/problems/') ? type.slice('/problems/'.length) : 'unknown',
      response.status,
      text('title', 'Something failed'),
      text('detail', `The server answered ${response.status}.`),
      text('request_id', response.headers.get('x-request-id') ?? '') || null,
      Number.isFinite(wait) && wait > 0 ? wait : null,
      errors.filter(
        (one): one is { field: string; message: string; code?: string } => typeof one?.message === 'string',
      ),
    );
  }

  /** Whether the same call may succeed by itself a little later. */
  get isPassing(): boolean {
    return this.kind === 'offline' || this.status >= 500 || this.status === 429;
  }
}

/** What went wrong and what to do, in a person's words. */
export function explain(error: unknown): { title: string; detail: string; requestId: string | null } {
  if (!(error instanceof Failure)) {
    return {
      title: 'This page broke',
      detail: 'Reload it. If that does not help, tell us what you did.',
      requestId: null,
    };
  }
  const { title, detail, requestId } = error;
  switch (error.kind) {
    case 'offline':
      return { title, detail, requestId };
    case 'forbidden':
      return { title: 'Your role does not allow this', detail, requestId };
    case 'not-found':
      return { title: 'This is not here, or not yours', detail, requestId };
    case 'too-many-requests': {
      const wait = error.retryAfterSeconds;
      const again = wait ? `It works again in ${wait} s.` : 'It works again in a moment.';
      return { title: 'Too many calls', detail: again, requestId };
    }
    case 'unavailable':
      return { title: 'The server is busy', detail: 'Nothing is lost. Try again in a moment.', requestId };
    default:
      return { title, detail, requestId };
  }
}
