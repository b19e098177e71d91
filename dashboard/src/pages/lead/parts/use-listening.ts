import { type RefObject, useEffect, useRef, useState } from 'react';
import type { Schemas } from '../../../api/client';
import { useKeys } from '../../../shell/shortcuts';
import { callLength } from '../../../text/format';
import { spoken, turnAt } from './positions';
import { nextSpeed } from './settings';
import { type Audio, useAudio } from './use-audio';

/** A recording that can be heard, and where it is. */
export type Listening = {
  audio: Audio;
  lengthMs: number;
  /** The turn that is heard, or that it goes on from; null while nobody has listened. */
  heard: number | null;
  /** What shows the moment: it is written here by every frame, and React draws nothing anew. */
  scrubber: RefObject<HTMLDivElement | null>;
  clock: RefObject<HTMLSpanElement | null>;
};

const STEP_MS = 5_000;

/** The recording of a lead; null where there is none. */
export function useListening(
  tenant: string,
  lead: Schemas['RequestDetail'],
  turns: readonly Schemas['Turn'][],
  at: number | undefined,
): Listening | null {
  const isThere = lead.recording?.state === 'stored';
  const lengthMs = Math.max(1, lead.recording?.duration_ms ?? 0, ...turns.map((turn) => turn.end_ms));
  const scrubber = useRef<HTMLDivElement>(null);
  const clock = useRef<HTMLSpanElement>(null);
  const [heard, setHeard] = useState<number | null>(null);
  const show = (ms: number) => {
    const place = scrubber.current;
    if (place) {
      place.style.setProperty('--at', `${Math.min(1, ms / lengthMs)}`);
      const slider = place.querySelector('input');
      if (slider) {
        slider.value = `${Math.round(ms)}`;
        const words = `${spoken(ms)} of ${spoken(lengthMs)}`;
        if (slider.getAttribute('aria-valuetext') !== words) slider.setAttribute('aria-valuetext', words);
      }
    }
    const text = callLength(Math.floor(ms / 1000));
    if (clock.current && clock.current.textContent !== text) clock.current.textContent = text;
  };
  const audio = useAudio({
    tenant,
    request: lead.request_id,
    lengthMs,
    startMs: (at ?? 0) * 1000,
    turns,
    onTick: (ms) => {
      show(ms);
      setHeard(turnAt(turns, ms));
    },
  });
  // Where it begins, before anybody listens.
  const shown = useRef(show);
  useEffect(() => shown.current(audio.now()), [audio.now]);
  const step = (by: number) => (event: KeyboardEvent) => {
    event.preventDefault();
    audio.seek(audio.now() + by);
  };
  const back = step(-STEP_MS);
  const on = step(STEP_MS);
  const onSpace = (event: KeyboardEvent) => {
    // What has the focus takes the key itself.
    if (event.target instanceof Element && event.target.closest('button, a, summary')) return;
    event.preventDefault();
    audio.toggle();
  };
  const slower = () => audio.setSpeed(nextSpeed(audio.speed, -1));
  const faster = () => audio.setSpeed(nextSpeed(audio.speed, 1));
  useKeys(isThere ? { ' ': onSpace, ArrowLeft: back, ArrowRight: on, ',': slower, '.': faster } : {});
  return isThere ? { audio, lengthMs, heard, scrubber, clock } : null;
}
