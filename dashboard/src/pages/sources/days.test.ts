import { expect, it } from 'vitest';
import { daysBefore, squaresOf, sumOf } from './days';

const day = (date: string, of: object = {}) => ({
  source_id: 'src_1',
  date,
  at_provider: 5,
  held: 5,
  recovered: 0,
  missing: 0,
  checked_at: '2026-11-28T08:00:00Z',
  ...of,
});

it('counts days without a zone, also over the end of a month and of a year', () => {
  expect(daysBefore('2026-03-01', 1)).toBe('2026-02-28');
  expect(daysBefore('2026-01-01', 1)).toBe('2025-12-31');
  expect(daysBefore('2026-11-01', 0)).toBe('2026-11-01');
});

it('has a square for every day, also for those that were not compared', () => {
  const days = [
    day('2026-11-26', { held: 4, missing: 1 }),
    day('2026-11-27', { recovered: 2 }),
    day('2026-11-28'),
  ];
  const squares = squaresOf(days, '2026-11-28', 4);
  expect(squares.map((one) => one.look)).toEqual(['none', 'missing', 'recovered', 'whole']);
  expect(squares[1]?.words).toBe('2026-11-26: 4 of 5, 1 missing');
  expect(sumOf(days)).toEqual({ at: 15, held: 14, recovered: 2, missing: 1 });
});
