import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Schemas } from '../../../api/client';
import { leadDeliveriesQuery } from '../../../api/sources';
import { number, took } from '../../../text/format';
import { plain, providerName } from '../../../text/words';
import Button from '../../../ui/button/button';
import Delivery from '../../../ui/delivery/delivery';
import Facts, { Fact } from '../../../ui/facts/facts';
import FailureNote from '../../../ui/failure/failure';
import Skeleton from '../../../ui/skeleton/skeleton';
import Text from '../../../ui/text/text';
import Time from '../../../ui/time/time';
import styles from '../page.module.css';

type Detail = Schemas['RequestDetail'];

/** Where the lead went: CRMs with each attempt, and who was told. */
export default function Sent({ tenant, lead }: { tenant: string; lead: Detail }) {
  const messages = lead.notifications?.messages ?? [];
  if (lead.dispatches.length === 0 && messages.length === 0 && lead.dispatch_attempts.length === 0) {
    return <p className={styles.faint}>Nothing was sent.</p>;
  }
  return (
    <>
      <Facts>
        {lead.dispatches.map((one) => (
          <Fact key={one.connection} name={providerName(one.connector)}>
            {plain(one.state)}
            {one.reason && (
              <>
                : <Text>{one.reason}</Text>
              </>
            )}
            {Object.entries(one.remote_ids).map(([kind, id]) => (
              <span key={kind} className={styles.line}>
                {kind} <code>{id}</code>
              </span>
            ))}
            <Link
              className={styles.line}
              to="/t/$tenant/crm/$connection/mapping"
              params={{ tenant, connection: one.connection }}
              search={{ lead: lead.request_id }}
            >
              Its fields, and what would be sent now
            </Link>
          </Fact>
        ))}
        {messages.map((message) => (
          <Fact key={`${message.channel} ${message.recipient}`} name={plain(message.channel)}>
            <Text>{message.recipient}</Text>{' '}
            {message.is_sent ? (
              '✓ sent'
            ) : (
              <>
                not sent
                {message.reason && (
                  <>
                    : <Text>{message.reason}</Text>
                  </>
                )}
              </>
            )}
          </Fact>
        ))}
      </Facts>
      <Attempts of={lead.dispatch_attempts} />
    </>
  );
}

/** What was sent and answered each time; open where something failed. */
function Attempts({ of }: { of: readonly Schemas['DispatchAttempt'][] }) {
  if (of.length === 0) return null;
  const failed = of.filter((one) => one.outcome !== 'done').length;
  return (
    <details className={styles.more} open={failed > 0}>
      <summary>
        {of.length} {of.length === 1 ? 'attempt' : 'attempts'}
        {failed > 0 && <>, {failed} failed</>}
      </summary>
      <ol className={styles.attempts}>
        {of.map((one) => (
          <li key={`${one.at} ${one.connection}`}>
            <span className={styles.attempt}>
              {providerName(one.connector)} {one.outcome === 'done' ? '✓' : plain(one.outcome).toLowerCase()}
              {one.status !== null && <> · {one.status}</>} · {took(one.latency_ms)} · <Time at={one.at} />
            </span>
            {one.sent && (
              <>
                <span className={styles.faint}>We sent</span>
                <pre className={styles.answer} tabIndex={-1}>
                  <Text>{one.sent}</Text>
                </pre>
              </>
            )}
            {one.answer && (
              <>
                <span className={styles.faint}>It answered</span>
                <pre className={styles.answer} tabIndex={-1}>
                  <Text>{one.answer}</Text>
                </pre>
              </>
            )}
            {one.bytes_cut > 0 && (
              <span className={styles.faint}>{number(one.bytes_cut)} bytes of both are not shown.</span>
            )}
          </li>
        ))}
      </ol>
    </details>
  );
}

/** The webhooks that the lead is made of. */
export function Deliveries({ tenant, lead }: { tenant: string; lead: Detail }) {
  const query = useQuery(leadDeliveriesQuery(tenant, lead.request_id));
  const [open, setOpen] = useState<string | null>(null);
  if (query.isPending) return <Skeleton rows={2} height={24} />;
  if (query.isError) {
    return (
      <FailureNote
        error={query.error}
        what="Its deliveries cannot be read."
        onRetry={() => void query.refetch()}
      />
    );
  }
  const { items } = query.data;
  if (items.length === 0) return <p className={styles.faint}>None is kept any more.</p>;
  return (
    <>
      <ul className={styles.deliveries}>
        {items.map((one) => (
          <li key={one.event_id}>
            <span>
              {one.event ? <Text>{one.event}</Text> : providerName(one.provider)}{' '}
              <Time at={one.received_at} />
              {one.repeats > 0 && <> · came {number(one.repeats + 1)} times</>}
              {one.remark && (
                <span className={styles.line}>
                  <Text>{one.remark}</Text>
                </span>
              )}
            </span>
            <Button look="quiet" onClick={() => setOpen(one.event_id)}>
              See it<span className="hidden-but-read"> {one.event_id}</span>
            </Button>
          </li>
        ))}
      </ul>
      {open && <Delivery tenant={tenant} event={open} onClose={() => setOpen(null)} />}
    </>
  );
}
