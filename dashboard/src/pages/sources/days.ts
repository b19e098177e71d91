// How much of each day is held, as squares.
import type { Schemas } from '../../api/client';

type Day = Schemas['Completeness'];

/** The day before or after, as the API writes it; days have no zone. */
export function daysBefore(day: string, count: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() - count);
  return date.toISOString().slice(0, 10);
}

export type Square = { date: string; look: 'whole' | 'recovered' | 'missing' | 'none'; words: string };

/** A square for each day up to the last one, the oldest first. */
export function squaresOf(days: readonly Day[], last: string, count: number): Square[] {
  const byDate = new Map(days.map((day) => [day.date, day]));
  return Array.from({ length: count }, (_, at) => {
    const date = daysBefore(last, count - 1 - at);
    const day = byDate.get(date);
    if (!day) return { date, look: 'none', words: `${date}: not compared` };
    const held = `${date}: ${day.held} of ${day.at_provider}`;
    if (day.missing > 0) return { date, look: 'missing', words: `${held}, ${day.missing} missing` };
    if (day.recovered > 0) return { date, look: 'recovered', words: `${held}, ${day.recovered} recovered` };
    return { date, look: 'whole', words: held };
  });
}

/** All days together: what the provider has and what is held. */
export const sumOf = (days: readonly Day[]) => ({
  at: days.reduce((sum, day) => sum + day.at_provider, 0),
  held: days.reduce((sum, day) => sum + day.held, 0),
  recovered: days.reduce((sum, day) => sum + day.recovered, 0),
  missing: days.reduce((sum, day) => sum + day.missing, 0),
});
