import { useQueries, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Config } from '../../../api/config';
import { leadQuery } from '../../../api/lead-query';
import { number } from '../../../text/format';
import { providerName } from '../../../text/words';
import FailureNote from '../../../ui/failure/failure';
import layout from '../../../ui/layout/layout.module.css';
import Rows, { type Column } from '../../../ui/rows/rows';
import Skeleton from '../../../ui/skeleton/skeleton';
import Text from '../../../ui/text/text';
import Time from '../../../ui/time/time';
import { type Row, rowsOf, toldOf } from '../lately';
import styles from '../page.module.css';
import { toldOfQuery } from '../queries';
import { nameOfPlace, write } from '../written';

/** So many of the last leads are looked at: each is read whole. */
const LEADS = 5;

const wayName = (channel: string): string => (channel === 'email' ? 'E-mail' : providerName(channel));

/** How the messages of an office's last leads went, for each who is told. */
export default function Lately({ tenant, office, said }: { tenant: string; office: string; said: Config }) {
  const list = useQuery(toldOfQuery(tenant, office, LEADS));
  const leads = list.data ?? [];
  const details = useQueries({ queries: leads.map((id) => leadQuery(tenant, id)) });
  const failed = details.find((one) => one.isError && !one.data);
  const { email, places } = write(said);
  const named = [
    ...email
      .split('\n')
      .filter(Boolean)
      .map((recipient) => ({ channel: 'email', recipient })),
    ...places.map((place) => ({ channel: place.channel, recipient: nameOfPlace(place) })),
  ];
  const rows = rowsOf(named, toldOf(details.flatMap(({ data }) => (data ? [data] : []))));
  const columns: Column<Row>[] = [
    { name: 'Who', of: ({ recipient }) => <Text>{recipient}</Text> },
    { name: 'By', fits: true, of: ({ channel }) => wayName(channel) },
    {
      name: 'The last message',
      of: ({ last }) =>
        last ? (
          <>
            <span className={styles.outcome} data-sent={last.isSent}>
              {last.isSent ? '✓ sent' : '✕ not sent'}
            </span>{' '}
            <Time at={last.at} />
            {last.reason && (
              <>
                : <Text>{last.reason}</Text>
              </>
            )}{' '}
            <Link to="/t/$tenant/leads/$id" params={{ tenant, id: last.lead }}>
              The lead
            </Link>
          </>
        ) : (
          <span className={layout.faint}>None of late</span>
        ),
    },
    {
      name: 'Sent',
      fits: true,
      of: ({ of, sent }) => (of > 0 ? `${number(sent)} of ${number(of)}` : '–'),
    },
  ];
  return (
    <section className={layout.page} aria-labelledby="lately">
      <h2 id="lately" className={styles.heading}>
        How it went lately
      </h2>
      {list.isPending || details.some((one) => one.isPending) ? (
        <Skeleton rows={3} height={36} />
      ) : list.isError && !list.data ? (
        <FailureNote
          error={list.error}
          what="How messages went cannot be read."
          onRetry={() => void list.refetch()}
        />
      ) : failed ? (
        <FailureNote
          error={failed.error}
          what="How messages went cannot be read."
          onRetry={() => void failed.refetch()}
        />
      ) : rows.length === 0 ? (
        <p className={layout.faint}>Nobody is told, and nobody was.</p>
      ) : (
        <>
          <p className={layout.faint}>
            {leads.length === 0
              ? 'Nobody was told of a lead yet.'
              : leads.length === 1
                ? 'Of the last lead.'
                : `Of the last ${number(leads.length)} leads.`}{' '}
            A message counts as sent once its provider took it, until it reports that it will not arrive.
          </p>
          <Rows
            label="Messages by recipient"
            columns={columns}
            rows={rows}
            keyOf={({ channel, recipient }) => `${channel} ${recipient}`}
          />
        </>
      )}
    </section>
  );
}
