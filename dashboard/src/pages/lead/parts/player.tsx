import { Pause, Play } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useId } from 'react';
import { callLength } from '../../../text/format';
import Button from '../../../ui/button/button';
import { Check } from '../../../ui/field/field';
import Refused from '../../../ui/note/refused';
import styles from './player.module.css';
import { spoken } from './positions';
import { SPEEDS } from './settings';
import type { Listening } from './use-listening';

const STEPS: Record<string, number> = {
  ArrowLeft: -5_000,
  ArrowDown: -5_000,
  ArrowRight: 5_000,
  ArrowUp: 5_000,
  PageDown: -30_000,
  PageUp: 30_000,
};

/** The lanes with the moment that is heard: a press goes there. */
export function Scrubber({ listening, children }: { listening: Listening; children: ReactNode }) {
  const { audio, lengthMs, scrubber } = listening;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === ' ') {
      event.preventDefault();
      audio.toggle();
    }
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    audio.seek(audio.now() + step);
  };
  return (
    <div className={styles.scrubber} ref={scrubber}>
      {children}
      <div className={styles.over}>
        <span className={styles.moment} aria-hidden />
        <input
          type="range"
          className={styles.range}
          aria-label="Moment of the recording"
          aria-valuetext={`${spoken(0)} of ${spoken(lengthMs)}`}
          min={0}
          max={lengthMs}
          defaultValue={0}
          onInput={(event) => audio.seek(Number(event.currentTarget.value))}
          onKeyDown={onKeyDown}
        />
      </div>
    </div>
  );
}

/** Plays a recording. Nothing of it is loaded before somebody does. */
export default function Player({
  listening,
  isFollowing = true,
  onFollow,
}: {
  listening: Listening;
  isFollowing?: boolean;
  /** Where there is a transcript that can move along. */
  onFollow?: (isOn: boolean) => void;
}) {
  const { audio, lengthMs, clock } = listening;
  const speed = useId();
  return (
    <section className={styles.player} aria-label="Recording">
      {/* What is said stands beneath, in step with it. */}
      <audio ref={audio.element} preload="none" {...audio.events} />
      <Button look="primary" disabled={audio.isLoading} onClick={audio.toggle}>
        {audio.isPlaying ? <Pause size={15} aria-hidden /> : <Play size={15} aria-hidden />}
        {audio.isPlaying ? 'Pause' : audio.isLoading ? 'Loading…' : 'Play'}
      </Button>
      <span className={styles.clock}>
        <span ref={clock}>0:00</span> / {callLength(lengthMs / 1000)}
      </span>
      <label htmlFor={speed} className="hidden-but-read">
        Speed
      </label>
      <select
        id={speed}
        className={styles.speed}
        value={audio.speed}
        onChange={(event) => audio.setSpeed(Number(event.target.value))}
      >
        {SPEEDS.map((one) => (
          <option key={one} value={one}>
            {one}×
          </option>
        ))}
      </select>
      <Check isOn={audio.isSkipping} onChange={audio.setSkipping}>
        Skip pauses
      </Check>
      {onFollow && (
        <Check isOn={isFollowing} onChange={onFollow}>
          Follow
        </Check>
      )}
      <Refused error={audio.error} />
    </section>
  );
}
