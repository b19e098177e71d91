import { expect, test } from 'vitest';
import { afterPause, spoken, turnAt } from './positions';

const turns = [
  { start_ms: 0, end_ms: 2_000 },
  { start_ms: 1_500, end_ms: 6_000 },
  { start_ms: 1_800, end_ms: 3_000 },
  { start_ms: 6_400, end_ms: 8_000 },
  { start_ms: 12_000, end_ms: 13_000 },
];

test('a moment is in the turn that began last', () => {
  expect(turnAt(turns, 0)).toBe(0);
  expect(turnAt(turns, 1_449)).toBe(0);
  expect(turnAt(turns, 1_450)).toBe(1);
  expect(turnAt(turns, 9_000)).toBe(3);
  expect(turnAt(turns, 99_000)).toBe(4);
  expect(turnAt([{ start_ms: 500, end_ms: 900 }], 100)).toBe(-1);
  expect(turnAt([], 100)).toBe(-1);
});

test('only long pauses are jumped, and nobody is cut off', () => {
  expect(afterPause(turns, 1_000)).toBeNull();
  // Short: between two who answer each other.
  expect(afterPause(turns, 6_350)).toBeNull();
  // One who speaks longer than who began after them is still speaking.
  expect(afterPause(turns, 4_000)).toBeNull();
  expect(afterPause(turns, 8_100)).toBeNull();
  expect(afterPause(turns, 8_300)).toBe(11_700);
  expect(afterPause(turns, 11_650)).toBe(11_700);
  expect(afterPause(turns, 11_700)).toBeNull();
  expect(afterPause(turns, 14_000)).toBeNull();
  // Before the first word, too.
  expect(afterPause([{ start_ms: 5_000, end_ms: 6_000 }], 400)).toBe(4_700);
});

test('a moment is spoken as people say it', () => {
  expect([0, 999, 1_000, 67_000, 120_000, 3_661_000].map(spoken)).toEqual([
    '0 seconds',
    '0 seconds',
    '1 second',
    '1 minute 7 seconds',
    '2 minutes',
    '1 hour 1 minute 1 second',
  ]);
});
