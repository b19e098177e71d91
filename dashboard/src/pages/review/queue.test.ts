import { expect, it } from 'vitest';
import type { Lead } from '../../api/client';
import { nextOf, waitingOf } from './queue';

const lead = (id: string, status: Lead['status'] = 'in_review') => ({ request_id: id, status }) as Lead;

it('leaves out what was decided, here or by somebody else', () => {
  const leads = [lead('a'), lead('b', 'completed'), lead('c'), lead('d')];
  expect(waitingOf(leads, new Set(['c'])).map((one) => one.request_id)).toEqual(['a', 'd']);
});

it('goes on to the next, and from the last to the first', () => {
  const waiting = [lead('a'), lead('b'), lead('c')];
  expect(nextOf(waiting, 'a')?.request_id).toBe('b');
  expect(nextOf(waiting, 'c')?.request_id).toBe('a');
  expect(nextOf(waiting, 'gone')?.request_id).toBe('a');
});

it('has no next where only one waits, or none', () => {
  expect(nextOf([lead('a')], 'a')).toBeUndefined();
  expect(nextOf([], 'a')).toBeUndefined();
});
