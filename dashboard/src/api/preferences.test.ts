import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readPreferences, USUAL, writePreferences } from './preferences';

it('reads whatever is kept, and takes what it cannot read as usual', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (raw) => {
      expect(Object.keys(readPreferences(raw))).toEqual(Object.keys(USUAL));
    }),
  );
  expect(readPreferences({ theme: 'pink', density: 3, zone: 'Mars/Olympus', has_letters: 'no' })).toEqual(
    USUAL,
  );
});

it('gives back what was written, and keeps what other clients keep', () => {
  const mine = { theme: 'dark', density: 'compact', zone: 'America/Denver', hasLetters: false } as const;
  const kept = writePreferences({ mobile: { tab: 2 }, theme: 'light' }, mine);
  expect(readPreferences(kept)).toEqual(mine);
  expect(kept.mobile).toEqual({ tab: 2 });
});
