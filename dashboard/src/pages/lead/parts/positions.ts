// Where in a conversation a moment of its recording is.

type Turn = { start_ms: number; end_ms: number };

/** A gap that is no pause of somebody who thinks. */
const PAUSE_MS = 1_500;
/** So much of it is left, before and after, so that nobody is cut off. */
const LEFT_MS = 300;
/** Players stop a little before the moment that they were sent to. */
const BEFORE_MS = 50;

/** The turn that a moment is in, or else the last one before it; -1 before all. Turns are in order of their starts. */
export const turnAt = (turns: readonly Turn[], ms: number): number =>
  turns.findLastIndex((turn) => turn.start_ms <= ms + BEFORE_MS);

/** Where to go on where nobody speaks for long; null while somebody does, or soon will. */
export function afterPause(turns: readonly Turn[], ms: number): number | null {
  let spokenUntil = 0;
  for (const { start_ms, end_ms } of turns) {
    if (ms < start_ms) {
      const isPause = start_ms - spokenUntil > PAUSE_MS;
      const isInside = ms >= spokenUntil + LEFT_MS && ms < start_ms - LEFT_MS;
      return isPause && isInside ? start_ms - LEFT_MS : null;
    }
    spokenUntil = Math.max(spokenUntil, end_ms);
  }
  return null;
}

/** A moment as it is spoken: "1 minute 7 seconds". */
export function spoken(ms: number): string {
  const whole = Math.max(0, Math.floor(ms / 1000));
  const parts = [
    [Math.floor(whole / 3600), 'hour'],
    [Math.floor((whole % 3600) / 60), 'minute'],
    [whole % 60, 'second'],
  ] as const;
  const said = parts
    .filter(([many]) => many > 0)
    .map(([many, of]) => `${many} ${of}${many === 1 ? '' : 's'}`);
  return said.join(' ') || '0 seconds';
}
