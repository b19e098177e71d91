import { explain, Failure } from '../../api/problem';
import styles from './note.module.css';

/** Why an act was refused, with every field that is to be mended. Nothing while there is no error. */
export default function Refused({ error, what }: { error: unknown; what?: string }) {
  if (!error) return null;
  const { title, detail, requestId } = explain(error);
  const fields = error instanceof Failure ? error.fields : [];
  return (
    <div className={`${styles.note} ${styles.refused}`} role="alert">
      <p>
        <strong>{what ?? title}.</strong> {what ? `${title}. ` : ''}
        {detail}
      </p>
      {fields.length > 0 && (
        <ul>
          {fields.map(({ field, message }) => (
            <li key={`${field} ${message}`}>
              {field && <code>{field}</code>} {message}
            </li>
          ))}
        </ul>
      )}
      {requestId && (
        <p className={styles.id}>
          Request <code>{requestId}</code>
        </p>
      )}
    </div>
  );
}
