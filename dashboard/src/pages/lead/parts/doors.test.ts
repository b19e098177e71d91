import { expect, it } from 'vitest';
import type { Schemas } from '../../../api/client';
import { doorsOf, inCommon } from './doors';

const link = (request_id: string, reason: Schemas['LinkReason'], came_at: string): Schemas['Link'] => ({
  request_id,
  reason,
  came_at,
  channel: 'form',
  at: came_at,
  by: 'pipeline',
  taken_back: null,
});

it('tells each other lead once, with all that both have in common', () => {
  const doors = doorsOf([
    link('req_1', 'phone', '2026-11-28T10:00:00Z'),
    link('req_2', 'email', '2026-11-28T11:00:00Z'),
    link('req_1', 'email', '2026-11-28T10:00:00Z'),
    link('req_1', 'email', '2026-11-28T10:00:00Z'),
  ]);
  expect(doors.map((door) => [door.id, inCommon(door)])).toEqual([
    ['req_2', 'same e-mail address'],
    ['req_1', 'same telephone number and e-mail address'],
  ]);
});
