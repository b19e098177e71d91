import { useState } from 'react';
import Button from '../button/button';
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

function Copy({ text, name }: { text: string; name: string }) {
  const [isCopied, setCopied] = useState(false);
  // Browsers have a clipboard on safe addresses alone; elsewhere the text is selected by one press.
  if (!navigator.clipboard) return null;
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  return (
    <Button onClick={() => void copy()}>
      {isCopied ? 'Copied' : 'Copy'}
      <span className="hidden-but-read"> {name}</span>
    </Button>
  );
}
