import { one } from './search';

/** A page of one office, as its address names it. */
export type OfficeSearch = {
  /** The office; left out: the first. */
  office?: string;
};

export function readOfficeSearch(raw: Record<string, unknown>): OfficeSearch {
  const office = one(raw, 'office');
  return office && /^ofc_[0-9a-f]{1,64}$/.test(office) ? { office } : {};
}
