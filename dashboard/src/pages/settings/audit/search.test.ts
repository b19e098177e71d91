import { expect, test } from 'vitest';
import { parseSearch, stringifySearch } from '../../../text/search';
import { readAuditSearch } from './search';

test('a filter is read from the address as it was written there', () => {
  const search = {
    actor: 'maria@example.com',
    action: 'secret.set',
    object: 'hubspot',
    from: '2026-11-01',
    to: '2026-11-30',
  };
  expect(readAuditSearch(parseSearch(stringifySearch(search)))).toEqual(search);
});

test('what cannot be a filter is dropped', () => {
  expect(readAuditSearch({})).toEqual({});
  expect(readAuditSearch({ actor: ' ', from: 'yesterday', to: '2026-11-1', other: 'x' })).toEqual({});
  expect(readAuditSearch({ object: 'x'.repeat(300) }).object).toHaveLength(200);
});
