import { beforeEach, expect, test } from 'vitest';
import { keepSettings, nextSpeed, readSettings } from './settings';

beforeEach(() => localStorage.clear());

test('how somebody listens is kept', () => {
  expect(readSettings()).toEqual({ speed: 1, isSkipping: false });
  keepSettings({ speed: 1.5, isSkipping: true });
  expect(readSettings()).toEqual({ speed: 1.5, isSkipping: true });
});

test('what cannot be a speed is none', () => {
  for (const kept of ['{"speed":30,"isSkipping":"yes"}', 'null', 'x', '[]']) {
    localStorage.setItem('listening', kept);
    expect(readSettings(), kept).toEqual({ speed: 1, isSkipping: false });
  }
});

test('speeds end at both ends', () => {
  expect(nextSpeed(1, 1)).toBe(1.25);
  expect(nextSpeed(2, 1)).toBe(2);
  expect(nextSpeed(0.8, -1)).toBe(0.8);
});
