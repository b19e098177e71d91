import styles from './spam-gauge.module.css';

/** How likely something is spam, between the lines from which a person decides and above which it is kept out. */
export default function SpamGauge({
  likelihood,
  reviewFrom,
  quarantineAbove,
}: {
  /** In percent, as the lines. */
  likelihood: number;
  reviewFrom: number;
  quarantineAbove: number;
}) {
  const at = Math.min(100, Math.max(0, likelihood));
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
        <span className={styles.mark} style={{ left: `${at}%` }} />
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
