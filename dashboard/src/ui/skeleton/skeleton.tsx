import styles from './skeleton.module.css';

/** Rows in the place of what loads, with its final height. */
export default function Skeleton({ rows, height = 24 }: { rows: number; height?: number }) {
  return (
    <div className={styles.stack} aria-busy="true">
      <span className="hidden-but-read">Loading</span>
      {Array.from({ length: rows }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: these never move.
        <span key={at} className={styles.bone} style={{ height }} aria-hidden />
      ))}
    </div>
  );
}
