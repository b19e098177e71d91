import { one } from '../../text/search';

export type LeadSearch = {
  /** Seconds into the conversation. */
  at?: number;
};

export function readLeadSearch(raw: Record<string, unknown>): LeadSearch {
  const at = Number(one(raw, 'at') ?? Number.NaN);
  return Number.isFinite(at) && at >= 0 ? { at: Math.round(at * 10) / 10 } : {};
}
