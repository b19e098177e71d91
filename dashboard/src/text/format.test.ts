import { expect, it } from 'vitest';
import {
  callLength,
  day,
  exactly,
  fileSize,
  percent,
  phone,
  shown,
  took,
  waited,
  waitedAbout,
  when,
} from './format';

const ZONE = 'America/Chicago';
const NOW = Date.parse('2026-11-28T03:00:00Z');

it('writes lengths, waits and times of steps', () => {
  expect([252, 0, 3725].map(callLength)).toEqual(['4:12', '0:00', '1:02:05']);
  expect([42, 372, 11_100, 187_200].map(waited)).toEqual(['42s', '6m 12s', '3h 5m', '2d 4h']);
  expect([-3, 59, 372, 11_100].map(waitedAbout)).toEqual(['under 1 min', 'under 1 min', '6 min', '3h 5m']);
  expect([12, 900, 41_000, 125_000].map(took)).toEqual(['12 ms', '0.9 s', '41 s', '2m 5s']);
});

it('writes sizes of files', () => {
  expect([0, 1, 999, 1_400, 999_499, 999_500, 8_388_608].map(fileSize)).toEqual([
    '0 bytes',
    '1 byte',
    '999 bytes',
    '1 KB',
    '999 KB',
    '1.0 MB',
    '8.4 MB',
  ]);
});

it('writes shares with a digit below ten percent', () => {
  expect([0, 0.084, 0.92, 1].map(percent)).toEqual(['0 %', '8.4 %', '92 %', '100 %']);
});

it('writes telephone numbers of North America as people there do', () => {
  expect(phone('+15125550177')).toBe('(512) 555-0177');
  expect(phone('+442079460000')).toBe('+442079460000');
});

it('tells times in the zone of the office', () => {
  expect(when('2026-11-28T02:59:30Z', NOW, ZONE)).toBe('just now');
  expect(when('2026-11-28T02:48:00Z', NOW, ZONE)).toBe('12 min ago');
  expect(when('2026-11-27T20:14:00Z', NOW, ZONE)).toBe('2:14 PM');
  expect(when('2026-11-03T20:14:00Z', NOW, ZONE)).toBe('Nov 3');
  expect(when('2024-11-03T20:14:00Z', NOW, ZONE)).toBe('Nov 3, 2024');
  expect(when('2026-12-01T16:30:00Z', NOW, ZONE), 'a booking to come').toBe('Tue, Dec 1, 10:30 AM');
  expect(when('nonsense', NOW, ZONE)).toBe('–');
  expect(day(NOW, ZONE), 'it is still the day before there').toBe('2026-11-27');
  expect(exactly('2026-11-28T02:59:30Z', ZONE)).toContain('2026-11-28 02:59:30 UTC');
});

it('shows what cannot be seen', () => {
  expect(shown('Ann\u202e\u0007Meyer')).toBe('Ann⟨U+202E⟩⟨U+0007⟩Meyer');
  expect(shown('José 👷‍♀️\nStraße')).toBe('José 👷‍♀️\nStraße');
});
