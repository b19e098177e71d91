import type { Schemas } from '../../../api/client';
import { took } from '../../../text/format';
import { causeName, plain, providerName, stageName } from '../../../text/words';
import Text from '../../../ui/text/text';
import Time from '../../../ui/time/time';
import styles from '../page.module.css';
import { storyOf } from './story';

type Detail = Schemas['RequestDetail'];

/** What happened to the lead, step by step, with how long each took. */
export default function Happened({ lead }: { lead: Detail }) {
  const longest = Math.max(1, ...lead.timeline.map((entry) => entry.duration_ms ?? 0));
  return (
    <ol className={styles.steps}>
      {storyOf(lead).map(({ entry, name, detail }, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: entries are only ever added.
        <li key={at} data-outcome={entry.outcome}>
          <span className={styles.stepName}>
            {name ?? (entry.stage ? stageName(entry.stage) : plain(entry.outcome))}
            {entry.target && <> · {providerName(entry.target)}</>}
          </span>
          <span className={styles.stepOutcome}>
            {entry.stage && entry.outcome !== 'done' ? `${plain(entry.outcome)} ` : null}
            {entry.duration_ms !== null ? (
              took(entry.duration_ms)
            ) : entry.stage ? null : (
              <Time at={entry.at} />
            )}
          </span>
          {entry.duration_ms !== null && (
            <span
              className={styles.ruler}
              style={{ width: `${Math.max(2, (entry.duration_ms / longest) * 100)}%` }}
              aria-hidden
            />
          )}
          {detail && (
            <span className={styles.stepDetail}>
              <Text>{detail}</Text>
            </span>
          )}
        </li>
      ))}
      {lead.open_work.map((work) => (
        <li key={`${work.stage} ${work.target}`} data-outcome={work.state}>
          <span className={styles.stepName}>
            {stageName(work.stage)}
            {work.target && <> · {providerName(work.target)}</>}
          </span>
          <span className={styles.stepOutcome}>{STATES[work.state]}</span>
          {(work.reason || work.park_cause) && (
            <span className={styles.stepDetail}>
              {work.park_cause && <>{causeName(work.park_cause)}. </>}
              {work.reason && <Text>{work.reason}</Text>}
              {work.answer && (
                <>
                  {' '}
                  It says: “<Text>{work.answer}</Text>”
                </>
              )}
            </span>
          )}
        </li>
      ))}
    </ol>
  );
}

const STATES: Record<Schemas['WorkState'], string> = {
  ready: 'waits for its turn',
  in_flight: 'runs',
  held: 'held until the connection has a new secret',
  parked: 'parked, waits for a person',
};
