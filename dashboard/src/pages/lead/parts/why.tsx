import type { Schemas } from '../../../api/client';
import { callLength } from '../../../text/format';
import { areaName, budgetName, intentName, projectName, startName } from '../../../text/words';
import Facts, { Fact } from '../../../ui/facts/facts';
import { sureness } from '../../../ui/score-plate/score-plate';
import Text from '../../../ui/text/text';
import styles from '../page.module.css';

type Detail = Schemas['RequestDetail'];
export type Quoted = Schemas['Reason'] & { /** Where it was said; -1 if nowhere. */ turn: number };

/** The score with what it is made of; each quote leads to where it was said. */
export default function Why({
  lead,
  reasons,
  onPick,
  onLight,
}: {
  lead: Detail;
  reasons: readonly Quoted[];
  onPick: (turn: number) => void;
  onLight: (turn: number | null) => void;
}) {
  const { analysis } = lead;
  const turns = lead.transcript?.turns ?? [];
  if (!analysis) {
    return (
      <p className={styles.faint}>
        Not judged yet{lead.open_work[0] && <>: the step before it still runs</>}.
      </p>
    );
  }
  return (
    <>
      <p className={styles.score}>
        <span className={styles.big}>{analysis.lead_score}</span>
        <span>
          of 100, {sureness(analysis.confidence)}
          <br />
          <span className={styles.faint}>
            judged by {analysis.engine === 'rules' ? 'rules' : 'the model'}
          </span>
        </span>
      </p>
      <div className={styles.gauge} aria-hidden>
        <span style={{ width: `${analysis.lead_score}%` }} />
      </div>
      {reasons.length > 0 && (
        <ul className={styles.reasons}>
          {reasons.map((reason) => (
            <li key={`${reason.reason} ${reason.quote}`}>
              <span className={styles.reason}>
                <Text>{reason.reason}</Text>
              </span>
              {reason.turn >= 0 ? (
                <button
                  type="button"
                  className={styles.quote}
                  onClick={() => onPick(reason.turn)}
                  onPointerEnter={() => onLight(reason.turn)}
                  onPointerLeave={() => onLight(null)}
                >
                  “<Text>{reason.quote}</Text>”
                  <span className={styles.jump}>
                    {callLength((turns[reason.turn]?.start_ms ?? 0) / 1000)}
                  </span>
                </button>
              ) : (
                <span className={styles.quote}>
                  “<Text>{reason.quote}</Text>”
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
      <Facts>
        <Fact name="Wants">
          {intentName(analysis.intent)}: {projectName(analysis.project_type).toLowerCase()}
        </Fact>
        <Fact name="When">{startName(analysis.timeline)}</Fact>
        <Fact name="Budget">{budgetName(analysis.budget)}</Fact>
        {lead.qualification && (
          <Fact name="Area">
            {areaName(lead.qualification.area)}
            {analysis.postal_code && <> · {analysis.postal_code}</>}
          </Fact>
        )}
        <Fact name="Spam">{Math.round(analysis.spam_likelihood)} % likely</Fact>
      </Facts>
    </>
  );
}
