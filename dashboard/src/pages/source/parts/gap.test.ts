import { expect, it } from 'vitest';
import { usualGap } from './gap';

it('tells of no gap where deliveries came in a burst', () => {
  expect([null, 0, 12, 90, 2400, 7300].map(usualGap)).toEqual([
    'too few came to tell',
    'under a minute: they came in a burst',
    'under a minute: they came in a burst',
    'about 2 min',
    'about 40 min',
    'about 2h 1m',
  ]);
});
