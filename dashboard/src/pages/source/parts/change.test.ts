import { expect, test } from 'vitest';
import { changeOf, differences, writtenOf } from './change';

const seen = { name: 'Website', office_id: 'ofc_1', accounts: ['a1', 'b2'] };

test('only what differs is sent', () => {
  const written = writtenOf(seen);
  expect(changeOf(seen, written)).toEqual({});
  expect(changeOf(seen, { ...written, name: ' Website ', accounts: 'a1,b2,' })).toEqual({});
  expect(changeOf(seen, { ...written, name: 'Website, Austin' })).toEqual({ name: 'Website, Austin' });
  expect(changeOf(seen, { ...written, accounts: 'b2' })).toEqual({ accounts: ['b2'] });
});

test('what is emptied is taken back', () => {
  expect(changeOf(seen, { name: ' ', office: '', accounts: ' ' })).toEqual({
    name: null,
    office_id: null,
    accounts: [],
  });
  const bare = { name: null, office_id: null, accounts: [] };
  expect(changeOf(bare, writtenOf(bare))).toEqual({});
});

test('what two saved differently is told field by field', () => {
  const mine = { name: 'Mine', office: '', accounts: 'a1, b2' };
  const officeName = (id: string) => (id ? 'Austin' : 'the first');
  expect(differences(seen, mine, officeName)).toEqual([
    { field: 'Name', theirs: 'Website', mine: 'Mine' },
    { field: 'Office', theirs: 'Austin', mine: 'the first' },
  ]);
  expect(differences(seen, writtenOf(seen), officeName)).toEqual([]);
});
