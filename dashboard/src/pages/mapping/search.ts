import { one } from '../../text/search';

/** The field mapping of a connection, as its address names it. */
export type MappingSearch = {
  /** The lead whose push is previewed. */
  lead?: string;
};

export function readMappingSearch(raw: Record<string, unknown>): MappingSearch {
  const lead = one(raw, 'lead')?.trim();
  return lead && /^req_[0-9a-f]{1,64}$/.test(lead) ? { lead } : {};
}
