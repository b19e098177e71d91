import { oneOf } from '../../text/search';

export type QuarantineSearch = {
  /** Left out: spam. */
  kind?: 'area';
};

export function readQuarantineSearch(raw: Record<string, unknown>): QuarantineSearch {
  const kind = oneOf(raw, 'kind', ['area'] as const);
  return kind ? { kind } : {};
}
