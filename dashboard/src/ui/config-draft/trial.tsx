import { Link } from '@tanstack/react-router';
import type { Job } from '../../api/jobs';
import { number } from '../../text/format';
import { plain } from '../../text/words';
import styles from '../draft/draft.module.css';
import JobLine from '../job-line/job-line';
import Note from '../note/note';
import Text from '../text/text';

const OUTCOMES = ['dispatched', 'in_review', 'quarantined', 'out_of_area', 'unreached', 'unknown'] as const;

/** What another configuration would have done with the leads of the last days. Nothing was sent. */
export default function Trial({ tenant, job }: { tenant: string; job: Job }) {
  const result = job.result && 'changed_total' in job.result ? job.result : null;
  if (job.state !== 'done' || !result) return <JobLine tenant={tenant} id={job.job_id} />;
  const { before, after } = result.counts;
  return (
    <Note>
      <p>
        Of {number(result.requests)} leads, <strong>{number(result.changed_total)}</strong> would be treated
        differently. Nothing was sent.
      </p>
      <ul>
        {OUTCOMES.filter((name) => before[name] + after[name] > 0).map((name) => (
          <li key={name}>
            {plain(name)}: {number(before[name])} → {number(after[name])}
          </li>
        ))}
      </ul>
      {result.changed.length > 0 && (
        <details>
          <summary>Which ones</summary>
          <ul className={styles.changed}>
            {result.changed.map((one) => (
              <li key={`${one.request_id} ${one.what}`}>
                <Link to="/t/$tenant/leads/$id" params={{ tenant, id: one.request_id }}>
                  Lead <code>{one.request_id.slice(-8)}</code>
                </Link>{' '}
                <Text>{one.before}</Text> → <Text>{one.after}</Text>, because of <Text>{one.because}</Text>
              </li>
            ))}
          </ul>
        </details>
      )}
    </Note>
  );
}
