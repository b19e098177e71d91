import { type Filter, readFilter } from '../../api/filter';
import { one } from '../../text/search';

export type LeadsSearch = Filter & {
  /** The lead that stands open beside the list. */
  peek?: string;
};

export function readLeadsSearch(raw: Record<string, unknown>): LeadsSearch {
  const peek = one(raw, 'peek');
  return { ...readFilter(raw), ...(peek && /^req_[0-9a-f]{32}$/.test(peek) && { peek }) };
}
