import type { Failure } from '../../api/problem';

let refused: Failure | null = null;

/** Keeps why the link in the address did not sign in, for the page that shows it. */
export function refusedStart(failure: Failure): void {
  refused = failure;
}

export const whyRefused = (): Failure | null => refused;
