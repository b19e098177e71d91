import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  CHANNELS,
  countOf,
  droppedFrom,
  type Filter,
  PROJECTS,
  readFilter,
  SORTS,
  STATUSES,
} from '../api/filter';
import { parseSearch, stringifySearch } from './search';

const filters: fc.Arbitrary<Filter> = fc.record(
  {
    status: fc
      .uniqueArray(fc.constantFrom(...STATUSES), { minLength: 1 })
      .map((some) => STATUSES.filter((one) => some.includes(one))),
    channel: fc.constantFrom(...CHANNELS),
    project: fc.constantFrom(...PROJECTS),
    score: fc.tuple(fc.nat(100), fc.nat(100)).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    from: fc.constantFrom('2026-11-01', '2025-02-28'),
    q: fc
      .string({ minLength: 1, maxLength: 50 })
      .map((text) => text.trim())
      .filter(Boolean),
    sort: fc.constantFrom(...SORTS.filter((sort) => sort !== 'newest')),
  },
  { requiredKeys: [] },
);

it('reads back whatever filter an address was made of', () => {
  fc.assert(
    fc.property(filters, (filter) => {
      expect(readFilter(parseSearch(stringifySearch(filter)))).toEqual(filter);
      expect(droppedFrom(parseSearch(stringifySearch(filter)))).toEqual([]);
    }),
  );
});

it('is written as people would', () => {
  expect(stringifySearch({ status: ['held', 'parked'], score: '81-100', q: undefined })).toBe(
    '?status=held&status=parked&score=81-100',
  );
});

it('leaves out what it does not know, field by field, and says so', () => {
  const raw = parseSearch('?status=held&status=lost&score=90-20&from=soon&channel=fax&q=tile');
  expect(readFilter(raw)).toEqual({ status: ['held'], q: 'tile' });
  expect(droppedFrom(raw)).toEqual(['status “lost”', 'channel “fax”', 'score “90-20”', 'from “soon”']);
  expect(countOf(readFilter(raw))).toBe(2);
});
