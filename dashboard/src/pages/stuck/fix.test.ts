import { expect, it } from 'vitest';
import { fixOf } from './fix';
import type { Reason } from './queries';

const reason = (of: Partial<Reason>): Reason => ({
  state: 'parked',
  stage: 'dispatch',
  cause: null,
  connection: null,
  steps: 31,
  oldest: '2026-11-27T09:12:00Z',
  ...of,
});

it('asks for a new secret where one is refused, and says what that sets free', () => {
  const fix = fixOf(reason({ state: 'held', connection: 'hubspot' }));
  expect(fix).toMatchObject({ title: 'HubSpot refuses the secret', act: 'secret', drains: true });
  expect(fix.advice).toContain('the 31 steps go on within seconds');
  expect(fixOf(reason({ state: 'held', connection: 'our_crm', steps: 1 })).advice).toContain(
    'the step goes on',
  );
});

it('has a fix of its own for every cause', () => {
  const causes = ['permanent', 'exhausted', 'deadline', 'crash_loop', 'unreadable', 'unreached'] as const;
  const titles = new Set(causes.map((cause) => fixOf(reason({ cause })).title));
  expect(titles.size).toBe(causes.length);
  expect(causes.every((cause) => !fixOf(reason({ cause })).drains)).toBe(true);
  expect(fixOf(reason({ cause: 'unreached' })).act).toBe('rules');
});

it('lets a cause that it does not know be tried again', () => {
  const odd = 'struck_by_lightning' as unknown as NonNullable<Reason['cause']>;
  expect(fixOf(reason({ cause: odd })).act).toBe('redrive');
});
