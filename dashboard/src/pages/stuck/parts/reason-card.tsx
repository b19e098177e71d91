import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useRefusal } from '../../../shell/role';
import { number } from '../../../text/format';
import { plain, providerName } from '../../../text/words';
import Button, { buttonClass } from '../../../ui/button/button';
import FailureNote from '../../../ui/failure/failure';
import layout from '../../../ui/layout/layout.module.css';
import Skeleton from '../../../ui/skeleton/skeleton';
import StatusMark from '../../../ui/status-mark/status-mark';
import Text from '../../../ui/text/text';
import Time from '../../../ui/time/time';
import { fixOf } from '../fix';
import styles from '../page.module.css';
import { type Reason, stepsQuery } from '../queries';

const A_PAGE = 100;

/** One reason: how many wait for it, what the other side says, what to do, and the steps themselves. */
export default function ReasonCard({
  name,
  tenant,
  reason,
  isRedriving,
  onRedrive,
  onSecret,
}: {
  name: string;
  tenant: string;
  reason: Reason;
  isRedriving: boolean;
  onRedrive: () => void;
  onSecret: (connection: string) => void;
}) {
  const refusal = useRefusal('operator');
  const adminRefusal = useRefusal('tenant_admin');
  const [isOpen, setOpen] = useState(false);
  const sample = useInfiniteQuery(stepsQuery(tenant, reason, 1)).data?.pages[0]?.items[0];
  const fix = fixOf(reason);
  const { connection } = reason;
  const redrive = `Redrive ${number(reason.steps)}`;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: `j` and `k` go from reason to reason, `d` and Enter act on it.
    <section className={layout.card} aria-label={fix.title} data-reason={name} tabIndex={0}>
      <header className={layout.top}>
        <StatusMark status={reason.state} isPill />
        <h2 className={layout.title}>{fix.title}</h2>
        <span className={layout.faint}>
          {number(reason.steps)} {reason.steps === 1 ? 'step' : 'steps'} · since <Time at={reason.oldest} />
        </span>
        {fix.drains && <span className={styles.drains}>goes on by itself once mended</span>}
      </header>
      {sample?.reason && (
        <p className={styles.why}>
          <Text>{sample.reason}</Text>
          {sample.target && <> · {providerName(sample.target)}</>}
        </p>
      )}
      {sample?.answer && (
        <p className={styles.why}>
          It says:{' '}
          <q>
            <Text>{sample.answer}</Text>
          </q>
        </p>
      )}
      <div className={styles.fix}>
        <p>
          <strong>Fix</strong> {fix.advice}
        </p>
        <div className={layout.buttons}>
          {fix.act === 'secret' && connection && (
            <Button look="primary" refusal={adminRefusal} onClick={() => onSecret(connection)} data-fix>
              New secret…
            </Button>
          )}
          {fix.act === 'deliveries' && sample && (
            <Link
              to="/t/$tenant/leads/$id"
              params={{ tenant, id: sample.request_id }}
              className={buttonClass('primary')}
              data-fix
            >
              See the lead
            </Link>
          )}
          <Button
            look={fix.act === 'redrive' ? 'primary' : 'plain'}
            refusal={refusal}
            disabled={isRedriving}
            onClick={onRedrive}
            data-fix={fix.act === 'redrive' || fix.act === 'rules' || undefined}
          >
            {redrive}
          </Button>
          <Button look="quiet" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {isOpen ? 'Hide steps' : 'Show steps'}
          </Button>
        </div>
      </div>
      {isOpen && <Steps tenant={tenant} reason={reason} />}
    </section>
  );
}

function Steps({ tenant, reason }: { tenant: string; reason: Reason }) {
  const list = useInfiniteQuery(stepsQuery(tenant, reason, A_PAGE));
  const steps = list.data?.pages.flatMap((page) => page.items) ?? [];
  if (list.isPending) return <Skeleton rows={3} height={24} />;
  if (list.isError) {
    return (
      <FailureNote error={list.error} what="The steps cannot be read." onRetry={() => void list.refetch()} />
    );
  }
  return (
    <>
      <ul className={styles.steps} aria-label="Steps">
        {steps.map((step) => (
          <li key={`${step.request_id} ${step.target}`}>
            <Link to="/t/$tenant/leads/$id" params={{ tenant, id: step.request_id }}>
              Lead <code>{step.request_id.slice(-8)}</code>
            </Link>
            <span className={layout.faint}>
              {step.attempts > 0 && (
                <>
                  {number(step.attempts)} {step.attempts === 1 ? 'try' : 'tries'} ·{' '}
                </>
              )}
              since <Time at={step.created_at} />
            </span>
            <span className={styles.stepWhy}>
              <Text>{step.answer ?? step.reason ?? plain(step.state)}</Text>
            </span>
          </li>
        ))}
      </ul>
      {list.hasNextPage && (
        <Button disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          More steps
        </Button>
      )}
    </>
  );
}
