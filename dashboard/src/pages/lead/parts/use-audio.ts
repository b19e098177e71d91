import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { Failure } from '../../../api/problem';
import { linkRecording, type RecordingLink } from '../../../api/recording';
import { afterPause } from './positions';
import { keepSettings, readSettings } from './settings';

type Turn = { start_ms: number; end_ms: number };

export type Audio = {
  element: RefObject<HTMLAudioElement | null>;
  isPlaying: boolean;
  isLoading: boolean;
  error: unknown;
  speed: number;
  isSkipping: boolean;
  setSpeed: (speed: number) => void;
  setSkipping: (isOn: boolean) => void;
  /** The moment that is heard, or else that it goes on from, in milliseconds. */
  now: () => number;
  play: () => void;
  toggle: () => void;
  /** Goes to a moment, and plays from there if asked to. */
  seek: (ms: number, andPlay?: boolean) => void;
  /** What the element itself tells. */
  events: { onPlay: () => void; onPause: () => void; onSeeked: () => void; onError: () => void };
};

/**
 * A recording that is loaded once somebody plays it. Its link is renewed where it has ended, and the recording goes on from
 * where it was. `onTick` learns of each moment that is shown, up to 60 times a second: it must not draw the page anew.
 */
export function useAudio({
  tenant,
  request,
  lengthMs,
  startMs,
  turns,
  onTick,
}: {
  tenant: string;
  request: string;
  lengthMs: number;
  startMs: number;
  turns: readonly Turn[];
  onTick: (ms: number) => void;
}): Audio {
  const element = useRef<HTMLAudioElement>(null);
  const link = useRef<RecordingLink | null>(null);
  const wanted = useRef(startMs);
  const isLinking = useRef(false);
  const hasFailed = useRef(false);
  const [kept] = useState(readSettings);
  const [speed, showSpeed] = useState(kept.speed);
  const [isSkipping, showSkipping] = useState(kept.isSkipping);
  const [state, setState] = useState<'still' | 'loading' | 'playing'>('still');
  const [error, setError] = useState<unknown>(null);
  const tick = useRef(onTick);
  useLayoutEffect(() => {
    tick.current = onTick;
  });

  const now = useCallback(() => {
    const audio = element.current;
    // Until it knows how long it is, it does not tell where it was sent to.
    return audio && audio.readyState > 0 ? audio.currentTime * 1000 : wanted.current;
  }, []);

  const play = async () => {
    const audio = element.current;
    // While its link is on its way, where it goes on from can still be changed.
    if (!audio || isLinking.current) return;
    setError(null);
    try {
      if (!link.current || link.current.endsAt < performance.now()) {
        setState('loading');
        wanted.current = now();
        isLinking.current = true;
        link.current = await linkRecording(tenant, request).finally(() => {
          isLinking.current = false;
        });
        audio.src = link.current.url;
      }
      audio.defaultPlaybackRate = speed;
      audio.playbackRate = speed;
      if (audio.readyState === 0) audio.currentTime = wanted.current / 1000;
      await audio.play();
      hasFailed.current = false;
    } catch (failure) {
      // Paused before it began, or sent to another moment: nothing went wrong. The element tells of its own failures.
      if (failure instanceof DOMException) {
        if (failure.name === 'NotAllowedError') setState('still');
        return;
      }
      setState('still');
      setError(failure);
    }
  };

  const seek = (ms: number, andPlay = false) => {
    wanted.current = Math.min(Math.max(0, ms), lengthMs);
    const audio = element.current;
    if (audio && audio.readyState > 0) audio.currentTime = wanted.current / 1000;
    tick.current(wanted.current);
    if (andPlay) void play();
  };

  const onError = () => {
    // The link may have ended in the midst of it: once more with another one, from where it was.
    link.current = null;
    if (!hasFailed.current) {
      hasFailed.current = true;
      void play();
      return;
    }
    hasFailed.current = false;
    setState('still');
    setError(
      new Failure(
        'media',
        0,
        'The recording cannot be played',
        'It is not kept any more, or this browser cannot play it. What was said stands below.',
      ),
    );
  };

  useEffect(() => {
    if (state !== 'playing') return;
    let frame = 0;
    const onFrame = () => {
      const audio = element.current;
      const ms = now();
      const next = isSkipping ? afterPause(turns, ms) : null;
      if (audio && next !== null && !audio.seeking) audio.currentTime = next / 1000;
      wanted.current = next ?? ms;
      tick.current(wanted.current);
      frame = requestAnimationFrame(onFrame);
    };
    frame = requestAnimationFrame(onFrame);
    return () => cancelAnimationFrame(frame);
  }, [state, isSkipping, turns, now]);

  return {
    element,
    isPlaying: state === 'playing',
    isLoading: state === 'loading',
    error,
    speed,
    isSkipping,
    setSpeed: (next) => {
      showSpeed(next);
      keepSettings({ speed: next, isSkipping });
      if (element.current) element.current.playbackRate = next;
    },
    setSkipping: (next) => {
      showSkipping(next);
      keepSettings({ speed, isSkipping: next });
    },
    now,
    play: () => void play(),
    toggle: () => {
      if (state === 'playing') element.current?.pause();
      else void play();
    },
    seek,
    events: {
      onPlay: () => setState('playing'),
      onPause: () => setState('still'),
      onSeeked: () => tick.current(now()),
      onError,
    },
  };
}
