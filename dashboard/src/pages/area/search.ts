import { one } from '../../text/search';

export type AreaSearch = {
  office?: string;
  /** The state that the map shows, by its two letters. */
  state?: string;
};

export function readAreaSearch(raw: Record<string, unknown>): AreaSearch {
  const office = one(raw, 'office');
  const state = one(raw, 'state')?.toUpperCase();
  return {
    ...(office && /^ofc_[0-9a-f]{32}$/.test(office) && { office }),
    ...(state && /^[A-Z]{2}$/.test(state) && { state }),
  };
}
