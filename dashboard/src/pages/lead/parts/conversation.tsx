import { useEffect, useRef } from 'react';
import type { Schemas } from '../../../api/client';
import { callLength } from '../../../text/format';
import Text from '../../../ui/text/text';
import styles from '../page.module.css';

/** What was said: a lane for each speaker with the quoted sentences marked, and the sentences themselves. */
export default function Conversation({
  turns,
  quoted,
  current,
  onPick,
}: {
  turns: readonly Schemas['Turn'][];
  /** The turns that give a reason. */
  quoted: ReadonlySet<number>;
  current: number;
  onPick: (turn: number) => void;
}) {
  const list = useRef<HTMLOListElement>(null);
  const speakers = [...new Set(turns.map((turn) => turn.speaker))];
  const end = Math.max(1, ...turns.map((turn) => turn.end_ms));
  useEffect(() => {
    const row = list.current?.children[current];
    row?.scrollIntoView({ block: 'nearest' });
  }, [current]);
  return (
    <>
      <div className={styles.lanes} aria-hidden>
        {speakers.map((speaker) => (
          <div key={speaker} className={styles.lane}>
            <span className={styles.laneName}>{speakerName(speaker)}</span>
            <div className={styles.track}>
              {turns.map((turn, at) =>
                turn.speaker === speaker ? (
                  <span
                    key={turn.start_ms}
                    className={styles.said}
                    data-quoted={quoted.has(at) || undefined}
                    data-current={at === current || undefined}
                    style={{
                      left: `${(turn.start_ms / end) * 100}%`,
                      width: `max(2px, ${((turn.end_ms - turn.start_ms) / end) * 100}%)`,
                    }}
                  />
                ) : null,
              )}
            </div>
          </div>
        ))}
      </div>
      <ol className={styles.turns} ref={list}>
        {turns.map((turn, at) => (
          <li key={turn.start_ms}>
            <button
              type="button"
              className={styles.turn}
              aria-current={at === current || undefined}
              data-quoted={quoted.has(at) || undefined}
              onClick={() => onPick(at)}
            >
              <span className={styles.second}>{callLength(turn.start_ms / 1000)}</span>
              <span className={styles.speaker}>{speakerName(turn.speaker)}</span>
              <span>
                <Text>{turn.text}</Text>
              </span>
            </button>
          </li>
        ))}
      </ol>
    </>
  );
}

const speakerName = (speaker: string): string => (/^\d+$/.test(speaker) ? `Speaker ${speaker}` : speaker);
