import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { jobsQuery, startJob } from '../../api/jobs';
import { keys } from '../../api/keys';
import { useNow } from '../../shell/office';
import { useRefusal } from '../../shell/role';
import { stepFocus, useKeys } from '../../shell/shortcuts';
import { number, waited } from '../../text/format';
import Button from '../../ui/button/button';
import Confirm from '../../ui/confirm/confirm';
import Empty from '../../ui/empty/empty';
import FailureNote from '../../ui/failure/failure';
import JobLine from '../../ui/job-line/job-line';
import layout from '../../ui/layout/layout.module.css';
import PageHead from '../../ui/page-head/page-head';
import { useNewSecret } from '../../ui/secret-form/use-new-secret';
import Skeleton from '../../ui/skeleton/skeleton';
import styles from './page.module.css';
import ReasonCard from './parts/reason-card';
import { filterOf, type Reason, reasonsQuery } from './queries';

/** So many of the last jobs are shown. */
const JOBS = 3;

/** Why leads do not go on, each reason with its fix. */
export default function Stuck() {
  const { tenant } = useParams({ from: '/t/$tenant/stuck' });
  const cache = useQueryClient();
  const refusal = useRefusal('operator');
  const reasons = useQuery(reasonsQuery(tenant));
  const jobs = useQuery(jobsQuery(tenant));
  const secret = useNewSecret(tenant);
  const [isAsked, setAsked] = useState(false);
  const redrive = useMutation({
    mutationFn: (reason: Reason | 'all') =>
      startJob(tenant, { kind: 'redrive', filter: reason === 'all' ? { all: true } : filterOf(reason) }),
    onSettled: () => cache.invalidateQueries({ queryKey: keys.jobs(tenant) }),
  });
  const items = reasons.data?.items ?? [];
  const total = items.reduce((sum, reason) => sum + reason.steps, 0);
  const oldest = items.map((reason) => reason.oldest).sort()[0];
  useKeys({
    j: () => stepFocus('[data-reason]', 1),
    k: () => stepFocus('[data-reason]', -1),
    d: () => {
      const at = document.activeElement?.closest('[data-reason]')?.getAttribute('data-reason');
      const reason = items.find((one) => nameOf(one) === at);
      if (reason && !refusal && !redrive.isPending) redrive.mutate(reason);
    },
    Enter: pressFix,
  });
  const shown = jobs.data?.items.filter((job) => job.kind !== 'dry_run').slice(0, JOBS) ?? [];
  return (
    <div className={layout.page}>
      <PageHead name="Stuck">
        {items.length > 0 && oldest && (
          <>
            <span className={layout.faint} aria-live="polite">
              {number(total)} {total === 1 ? 'step' : 'steps'}, {number(items.length)}{' '}
              {items.length === 1 ? 'reason' : 'reasons'}, oldest <Since at={oldest} />
            </span>
            <Button refusal={refusal} disabled={redrive.isPending} onClick={() => setAsked(true)}>
              Redrive all…
            </Button>
          </>
        )}
      </PageHead>
      {secret.told}
      {reasons.isPending ? (
        <Skeleton rows={3} height={120} />
      ) : reasons.isError && items.length === 0 ? (
        <FailureNote
          error={reasons.error}
          what="What is stuck cannot be read."
          onRetry={() => void reasons.refetch()}
        />
      ) : items.length === 0 ? (
        <Empty title="Everything moves">
          What stops shows here with its reason, and with what to do about it.
        </Empty>
      ) : (
        items.map((reason) => (
          <ReasonCard
            key={nameOf(reason)}
            name={nameOf(reason)}
            tenant={tenant}
            reason={reason}
            isRedriving={redrive.isPending}
            onRedrive={() => redrive.mutate(reason)}
            onSecret={secret.ask}
          />
        ))
      )}
      {redrive.isError && <FailureNote error={redrive.error} what="Nothing was redriven." />}
      {shown.length > 0 && (
        <section className={styles.jobs} aria-labelledby="jobs">
          <h2 id="jobs">Jobs</h2>
          {shown.map((job) => (
            <JobLine key={job.job_id} tenant={tenant} id={job.job_id} />
          ))}
        </section>
      )}
      {secret.form}
      {isAsked && (
        <Confirm
          title="Redrive everything that stopped?"
          act="Redrive"
          onClose={() => setAsked(false)}
          onAct={() => redrive.mutateAsync('all')}
        >
          Every step is tried again; what is not mended stops again. Nothing is done twice outside. The server
          does it, also if you close this tab.
        </Confirm>
      )}
    </div>
  );
}

/** Presses the fix of the reason that has the focus: the card itself, as what stands in it has keys of its own. */
function pressFix(event: KeyboardEvent): void {
  const card = event.target;
  if (!(card instanceof HTMLElement) || !card.hasAttribute('data-reason')) return;
  event.preventDefault();
  card.querySelector<HTMLElement>('[data-fix]')?.click();
}

/** What tells a reason from another. */
const nameOf = ({ state, stage, cause, connection }: Reason): string =>
  [state, stage, cause, connection].filter(Boolean).join(' ');

function Since({ at }: { at: string }) {
  const now = useNow();
  return <span data-time>{waited((now - Date.parse(at)) / 1000)}</span>;
}
