import { one } from '../../text/search';

export type ReviewSearch = {
  /** The lead that is decided about; left out: the oldest. */
  lead?: string;
};

export function readReviewSearch(raw: Record<string, unknown>): ReviewSearch {
  const lead = one(raw, 'lead');
  return lead && /^req_[0-9a-f]{1,64}$/.test(lead) ? { lead } : {};
}
