import { one } from '../../text/search';

export type RulesSearch = {
  /** The office; left out: the first. */
  office?: string;
};

export function readRulesSearch(raw: Record<string, unknown>): RulesSearch {
  const office = one(raw, 'office');
  return office && /^ofc_[0-9a-f]{1,64}$/.test(office) ? { office } : {};
}
