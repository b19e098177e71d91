import { useEffect, useRef, useState } from 'react';
import type { Schemas } from '../../../api/client';
import { callLength } from '../../../text/format';
import Text from '../../../ui/text/text';
import styles from '../page.module.css';
import Player, { Scrubber } from './player';
import type { Listening } from './use-listening';

/** What was said: a lane for each speaker with the quoted sentences marked, and the sentences themselves. */
export default function Conversation({
  turns,
  quoted,
  current,
  onPick,
  listening,
}: {
  turns: readonly Schemas['Turn'][];
  /** The turns that give a reason. */
  quoted: ReadonlySet<number>;
  current: number;
  onPick: (turn: number) => void;
  /** Its recording; null where there is none to be heard. */
  listening: Listening | null;
}) {
  const list = useRef<HTMLOListElement>(null);
  const [isFollowing, setFollowing] = useState(true);
  const isPlaying = listening?.audio.isPlaying ?? false;
  const speakers = [...new Set(turns.map((turn) => turn.speaker))];
  const end = listening?.lengthMs ?? Math.max(1, ...turns.map((turn) => turn.end_ms));
  useEffect(() => {
    const row = list.current?.children[current];
    if (!isPlaying) row?.scrollIntoView({ block: 'nearest' });
    // While it plays the list alone moves: whoever reads elsewhere on the page stays there.
    else if (isFollowing && list.current && row) keepInSight(list.current, row);
  }, [current, isPlaying, isFollowing]);
  const onOwnScroll = isPlaying && isFollowing ? () => setFollowing(false) : undefined;
  const lanes = (
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
  );
  return (
    <>
      {listening ? (
        <>
          <Scrubber listening={listening}>{lanes}</Scrubber>
          <Player listening={listening} isFollowing={isFollowing} onFollow={setFollowing} />
        </>
      ) : (
        lanes
      )}
      <ol
        className={styles.turns}
        ref={list}
        onWheel={onOwnScroll}
        onTouchMove={onOwnScroll}
        onPointerDown={onOwnScroll}
      >
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

/** Scrolls a list, and nothing around it, so that one of its rows is in its upper half. */
function keepInSight(list: Element, row: Element): void {
  const [frame, place] = [list.getBoundingClientRect(), row.getBoundingClientRect()];
  const isInSight = place.top >= frame.top && place.bottom <= frame.bottom;
  if (!isInSight) list.scrollBy({ top: place.top - frame.top - frame.height / 3 });
}

const speakerName = (speaker: string): string => (/^\d+$/.test(speaker) ? `Speaker ${speaker}` : speaker);
