import fc from 'fast-check';
import { expect, it } from 'vitest';
import { slugFault, slugOf } from './slug';

it('makes a slug of a name', () => {
  expect(slugOf('Acme Remodeling, Inc.')).toBe('acme-remodeling-inc');
  expect(slugOf('  Küchen & Bäder ')).toBe('kuchen-bader');
  expect(slugOf('改造')).toBe('');
});

it('makes none that is refused, of whatever name', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (name) => slugFault(slugOf(name)) === undefined));
});

it('says what is wrong with a slug', () => {
  expect(slugFault('acme_2')).toBeUndefined();
  expect(slugFault('')).toBeUndefined();
  expect(slugFault('Acme')).toContain('small letters');
  expect(slugFault('-acme')).toContain('begin');
  expect(slugFault('a'.repeat(64))).toContain('64');
});
