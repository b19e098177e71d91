import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DAYS, type Hours, readHours, writeHours } from './hours';

const EMPTY = writeHours(null);
const time = (minutes: number) =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

it('reads back whatever hours it wrote', () => {
  const spans = fc
    .uniqueArray(fc.nat(1440), { minLength: 2, maxLength: 6 })
    .map((all) => all.toSorted((a, b) => a - b))
    .map((all) =>
      Array.from({ length: Math.floor(all.length / 2) }, (_, at) => ({
        from: time(all[2 * at] ?? 0),
        to: time(all[2 * at + 1] ?? 0),
      })),
    );
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...DAYS), spans), (hours) => {
      const { hours: read, faults } = readHours(writeHours(hours as Hours));
      expect(faults).toEqual({});
      expect(read).toEqual({ ...hours });
    }),
  );
});

it('takes hours as people write them', () => {
  const { hours } = readHours({ ...EMPTY, monday: '8:00 – 12:00,13:00-17:30' });
  expect(hours).toEqual({
    monday: [
      { from: '08:00', to: '12:00' },
      { from: '13:00', to: '17:30' },
    ],
  });
});

it('says which day it cannot read', () => {
  const { faults } = readHours({
    ...EMPTY,
    monday: 'mornings',
    tuesday: '17:00-08:00',
    friday: '08:61-09:00',
    sunday: '20:00-24:00',
  });
  expect(Object.keys(faults)).toEqual(['monday', 'tuesday', 'friday']);
});
