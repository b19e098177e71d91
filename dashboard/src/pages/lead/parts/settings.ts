// How somebody listens, kept in this browser.

export const SPEEDS = [0.8, 1, 1.25, 1.5, 1.75, 2] as const;

export type Listening = { speed: number; isSkipping: boolean };

const USUAL: Listening = { speed: 1, isSkipping: false };
const KEY = 'listening';

/** What was kept; the usual where nothing was, or nothing that can be read. */
export function readSettings(): Listening {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Listening>;
    const speed = SPEEDS.find((one) => one === kept.speed) ?? USUAL.speed;
    return { speed, isSkipping: kept.isSkipping === true };
  } catch {
    return USUAL;
  }
}

export function keepSettings(settings: Listening): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // A browser that keeps nothing plays all the same.
  }
}

/** The next faster or slower speed. */
export function nextSpeed(speed: number, by: 1 | -1): number {
  const at = (SPEEDS as readonly number[]).indexOf(speed);
  return SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, at + by))] ?? USUAL.speed;
}
