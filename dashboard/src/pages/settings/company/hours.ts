// Business hours as people write them: "08:00-12:00, 13:00-17:30".
import type { Schemas } from '../../../api/client';

export type Hours = Schemas['BusinessHours'];
export const DAYS = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const satisfies readonly (keyof Hours)[];
export type Written = Record<(typeof DAYS)[number], string>;

const SPAN = /^(\d{1,2}):(\d{2})\s*[-–—]\s*(\d{1,2}):(\d{2})$/;

/** What is written for each day. */
export const writeHours = (hours: Hours | null): Written =>
  Object.fromEntries(
    DAYS.map((day) => [day, (hours?.[day] ?? []).map(({ from, to }) => `${from}-${to}`).join(', ')]),
  ) as Written;

/** The hours that are written, or what cannot be read, by day. Nothing written is a day on which it is closed. */
export function readHours(written: Written): { hours: Hours; faults: Partial<Written> } {
  const hours: Hours = {};
  const faults: Partial<Written> = {};
  for (const day of DAYS) {
    const text = written[day].trim();
    if (!text) continue;
    const spans = text.split(',').map((part) => readSpan(part.trim()));
    if (spans.some((span) => span === null)) {
      faults[day] = 'Write times as 08:00-17:00, with a comma between spans.';
    } else {
      hours[day] = spans.filter((span) => span !== null);
    }
  }
  return { hours, faults };
}

function readSpan(text: string): Schemas['TimeSpan'] | null {
  const found = SPAN.exec(text);
  if (!found) return null;
  const [, h1 = '', m1 = '', h2 = '', m2 = ''] = found;
  const from = `${h1.padStart(2, '0')}:${m1}`;
  const to = `${h2.padStart(2, '0')}:${m2}`;
  const isTime = (time: string, last: string) => time <= last && time.slice(3) < '60';
  return isTime(from, '23:59') && isTime(to, '24:00') && from < to ? { from, to } : null;
}
