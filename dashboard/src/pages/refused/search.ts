import { one } from '../../text/search';

export type RefusedSearch = { address?: string; reason?: string };

/** Whose refusals are looked at, and those for what. */
export function readRefusedSearch(raw: Record<string, unknown>): RefusedSearch {
  const address = one(raw, 'address')?.trim().slice(0, 64);
  const reason = one(raw, 'reason')?.trim().slice(0, 64);
  return { ...(address && { address }), ...(reason && { reason }) };
}
