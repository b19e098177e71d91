import Copy from '../copy/copy';
import styles from './once.module.css';

/** Something that is shown this once: to be copied now. */
export default function Once({
  title,
  lines,
}: {
  title: string;
  lines: readonly { label: string; text: string }[];
}) {
  return (
    <section className={styles.once} aria-label={title}>
      <strong>{title}</strong>
      {lines.map(({ label, text }) => (
        <div key={`${label} ${text}`}>
          {label}
          <div className={styles.line}>
            <code className={styles.text}>{text}</code>
            <Copy text={text} name={label} />
          </div>
        </div>
      ))}
    </section>
  );
}
