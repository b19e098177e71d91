import { one } from '../../text/search';

export type SignInSearch = { to?: string };

/** Where one goes afterwards: a path of the app alone. */
export function readSignInSearch(raw: Record<string, unknown>): SignInSearch {
  const to = one(raw, 'to');
  return to?.startsWith('/t/') && !to.includes('\\') ? { to } : {};
}
