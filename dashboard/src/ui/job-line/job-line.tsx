import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { cancelJob, isOpen, type Job, jobQuery } from '../../api/jobs';
import { keys } from '../../api/keys';
import { useRefusal } from '../../shell/role';
import { number } from '../../text/format';
import { plain, providerName, stageName } from '../../text/words';
import Button from '../button/button';
import FailureNote from '../failure/failure';
import Refused from '../note/refused';
import Skeleton from '../skeleton/skeleton';
import Text from '../text/text';
import Time from '../time/time';
import styles from './job-line.module.css';

/** A job: how far it is, what came of it, and a way to stop it. */
export default function JobLine({ tenant, id }: { tenant: string; id: string }) {
  const query = useQuery(jobQuery(tenant, id));
  if (query.data) return <Whole tenant={tenant} job={query.data} />;
  if (query.isError) return <FailureNote error={query.error} onRetry={() => void query.refetch()} />;
  return <Skeleton rows={1} height={64} />;
}

/** What a job is called, as who started it would say. */
export function jobName({ kind, filter, from_stage }: Job): string {
  const one = filter.request_ids?.length;
  switch (kind) {
    case 'redrive':
      return filter.connection
        ? `Redrive what is held for ${providerName(filter.connection)}`
        : [
            'Redrive',
            filter.stage && stageName(filter.stage).toLowerCase(),
            filter.cause && plain(filter.cause).toLowerCase(),
          ]
            .filter(Boolean)
            .join(' · ') || 'Redrive';
    case 'release':
      return one ? `Release ${number(one)} ${one === 1 ? 'lead' : 'leads'}` : 'Release leads';
    case 'replay':
      return from_stage ? `Replay from ${stageName(from_stage).toLowerCase()}` : 'Replay';
    case 'dry_run':
      return 'Try a configuration';
    case 'reconcile':
      return 'Compare with the provider';
    case 'recount':
      return 'Count leads anew';
    default:
      return plain(kind);
  }
}

/** How a job stands, in a sentence. */
export function jobStands(job: Job): string {
  const { state, total, done, stopped } = job;
  const went = total === null ? number(done) : `${number(done)} of ${number(total)}`;
  const again = stopped > 0 ? ` · ${number(stopped)} stopped again` : '';
  switch (state) {
    case 'queued':
      return 'waits for its turn';
    case 'running':
      return `${went} done${again} · goes on if you leave`;
    case 'done':
      return total === 0 ? 'there was nothing to do' : `${went} done${again}`;
    case 'cancelled':
      return `cancelled after ${went}; what it did stays done${again}`;
    case 'failed':
      return `failed after ${went}`;
    default:
      return plain(state);
  }
}

function Whole({ tenant, job }: { tenant: string; job: Job }) {
  const cache = useQueryClient();
  const refusal = useRefusal('operator');
  const cancel = useMutation({
    mutationFn: () => cancelJob(tenant, job.job_id),
    onSettled: () => cache.invalidateQueries({ queryKey: keys.jobs(tenant) }),
  });
  const share = job.total ? Math.min(1, job.done / job.total) : job.state === 'done' ? 1 : 0;
  const result = job.result && 'first_stopped' in job.result ? job.result : null;
  return (
    <section className={styles.job} aria-label={jobName(job)} data-job={job.state}>
      <div className={styles.top}>
        <span className={styles.name}>{jobName(job)}</span>
        <span className={styles.told} role="status">
          {jobStands(job)}
        </span>
        <span className={`${styles.told} ${styles.end}`}>
          <Text>{job.by}</Text>, <Time at={job.created_at} />
        </span>
        {isOpen(job) && (
          <Button refusal={refusal} disabled={cancel.isPending} onClick={() => cancel.mutate()}>
            Cancel
          </Button>
        )}
      </div>
      {isOpen(job) && (
        <div
          className={styles.track}
          data-state={job.state}
          role="progressbar"
          aria-label={jobName(job)}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.round(share * 100)}
        >
          <span style={{ width: `${share * 100}%` }} />
        </div>
      )}
      {job.failure && <p>{job.failure}</p>}
      <Refused error={cancel.error} />
      {result && result.first_stopped.length + result.first_skipped.length > 0 && (
        <details>
          <summary>
            {[
              result.first_stopped.length > 0 && `${number(job.stopped)} stopped again`,
              result.skipped > 0 && `${number(result.skipped)} left as they were`,
            ]
              .filter(Boolean)
              .join(', ')}
          </summary>
          <ul className={styles.list}>
            {result.first_stopped.map((step) => (
              <li key={`${step.request_id} ${step.stage} ${step.target}`}>
                <Link to="/t/$tenant/leads/$id" params={{ tenant, id: step.request_id }}>
                  Lead
                </Link>{' '}
                {plain(step.state).toLowerCase()}
                {step.reason && (
                  <>
                    : <Text>{step.reason}</Text>
                  </>
                )}
              </li>
            ))}
            {result.first_skipped.map((skipped) => (
              <li key={skipped.request_id}>
                <Link to="/t/$tenant/leads/$id" params={{ tenant, id: skipped.request_id }}>
                  Lead
                </Link>{' '}
                left as it was: <Text>{skipped.reason}</Text>
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}
