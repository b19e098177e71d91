import styles from './score-plate.module.css';

export const sureness = (confidence: number | null): string =>
  confidence === null
    ? 'of unknown certainty'
    : confidence >= 0.75
      ? 'sure'
      : confidence >= 0.5
        ? 'fairly sure'
        : 'a guess';

/** A lead's score as a plate: how full its edge is, how certain its border. */
export default function ScorePlate({
  score,
  confidence,
  isByRules = false,
}: {
  score: number | null;
  confidence: number | null;
  isByRules?: boolean;
}) {
  if (score === null) {
    return (
      <span className={`${styles.plate} ${styles.none}`}>
        <span aria-hidden>–</span>
        <span className="hidden-but-read">No score yet</span>
      </span>
    );
  }
  const band = score > 80 ? styles.hot : score > 60 ? styles.warm : score > 40 ? styles.mild : styles.cold;
  const border =
    confidence === null || confidence >= 0.75 ? '' : confidence >= 0.5 ? styles.fairly : styles.guess;
  const name = `Score ${score} of 100, ${sureness(confidence)}, judged by ${isByRules ? 'rules' : 'the model'}`;
  return (
    <span className={[styles.plate, band, border].filter(Boolean).join(' ')} title={name}>
      <span className={styles.column} style={{ height: `${score}%` }} aria-hidden />
      <span aria-hidden>{score}</span>
      {isByRules && (
        <span className={styles.rules} aria-hidden>
          R
        </span>
      )}
      <span className="hidden-but-read">{name}</span>
    </span>
  );
}
