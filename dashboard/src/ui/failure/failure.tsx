import { explain } from '../../api/problem';
import Button from '../button/button';
import styles from '../empty/empty.module.css';

/** What failed, what still works, and what to do. */
export default function FailureNote({
  error,
  what,
  onRetry,
}: {
  error: unknown;
  /** What cannot be seen, as a sentence: "The list cannot be read. Your filters are kept." */
  what?: string;
  onRetry?: () => void;
}) {
  const { title, detail, requestId } = explain(error);
  return (
    <div className={styles.empty} role="alert">
      <p className={styles.title}>{what ?? title}</p>
      <p>
        {what ? `${title}. ` : ''}
        {detail}
      </p>
      {requestId && (
        <p className={styles.id}>
          Request <code>{requestId}</code>
        </p>
      )}
      {onRetry && (
        <div className={styles.actions}>
          <Button onClick={onRetry}>Try again</Button>
        </div>
      )}
    </div>
  );
}
