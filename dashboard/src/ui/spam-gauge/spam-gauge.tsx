import styles from './spam-gauge.module.css';

/** How likely something is spam, between the lines from which a person decides and above which it is kept out. */
export default function SpamGauge({
  likelihood,
  reviewFrom,
  quarantineAbove,
}: {
  /** In percent, as the lines; null for the lines alone. */
  likelihood: number | null;
  reviewFrom: number;
  quarantineAbove: number;
}) {
  return (
    <div className={styles.gauge}>
      <div className={styles.track} aria-hidden>
        <span
          className={`${styles.zone} ${styles.review}`}
          style={{ left: `${reviewFrom}%`, width: `${Math.max(0, quarantineAbove - reviewFrom)}%` }}
        />
        <span
          className={`${styles.zone} ${styles.out}`}
          style={{ left: `${quarantineAbove}%`, width: `${100 - quarantineAbove}%` }}
        />
        {likelihood !== null && (
          <span className={styles.mark} style={{ left: `${Math.min(100, Math.max(0, likelihood))}%` }} />
        )}
      </div>
      <div className={styles.words}>
        <span>goes on</span>
        <span>
          from {reviewFrom} % a person decides, above {quarantineAbove} % it is kept out
        </span>
      </div>
    </div>
  );
}
