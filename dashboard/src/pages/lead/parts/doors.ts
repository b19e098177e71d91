// Leads of the same person, who came by another door.
import type { Schemas } from '../../../api/client';

export type Door = {
  id: string;
  channel: Schemas['Channel'];
  came_at: string;
  reasons: Schemas['LinkReason'][];
};

/** Each other lead once, with all that it has in common, the newest first. */
export function doorsOf(links: readonly Schemas['Link'][]): Door[] {
  const doors = new Map<string, Door>();
  for (const { request_id, channel, came_at, reason } of links) {
    const door = doors.get(request_id);
    if (door) {
      if (!door.reasons.includes(reason)) door.reasons.push(reason);
    } else {
      doors.set(request_id, {
        id: request_id,
        channel: channel as Schemas['Channel'],
        came_at,
        reasons: [reason],
      });
    }
  }
  return [...doors.values()].sort((a, b) => (a.came_at < b.came_at ? 1 : -1));
}

const COMMON: Record<Schemas['LinkReason'], string> = { phone: 'telephone number', email: 'e-mail address' };

/** "same telephone number and e-mail address" */
export const inCommon = ({ reasons }: Pick<Door, 'reasons'>): string =>
  `same ${reasons.map((reason) => COMMON[reason] ?? reason).join(' and ')}`;
