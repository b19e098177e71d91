import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import { completenessQuery, healthQuery, sourcesQuery } from '../../api/sources';
import { useNow, useOfficeZone } from '../../shell/office';
import { day, number } from '../../text/format';
import { providerName, sourceName } from '../../text/words';
import { buttonClass } from '../../ui/button/button';
import Empty from '../../ui/empty/empty';
import FailureNote from '../../ui/failure/failure';
import Health from '../../ui/health/health';
import layout from '../../ui/layout/layout.module.css';
import PageHead from '../../ui/page-head/page-head';
import Skeleton from '../../ui/skeleton/skeleton';
import Text from '../../ui/text/text';
import Time from '../../ui/time/time';
import { daysBefore, squaresOf, sumOf } from './days';
import styles from './page.module.css';

const DAYS = 14;

/** Where leads come from, and whether all of them do. */
export default function Sources() {
  const { tenant } = useParams({ from: '/t/$tenant/sources' });
  const sources = useQuery(sourcesQuery(tenant));
  const [zone, now] = [useOfficeZone(), useNow()];
  const today = day(now, zone);
  const whole = useQuery(completenessQuery(tenant, daysBefore(today, DAYS - 1), today));
  const items = sources.data?.items ?? [];
  return (
    <div className={styles.page}>
      <PageHead
        name="Sources"
        lead="Where leads come from. What a provider has is compared with what came, day by day; what is missing is taken."
      >
        <Link to="/t/$tenant/sources/refused" params={{ tenant }} className={buttonClass('quiet')}>
          Refused deliveries
        </Link>
        <Link to="/t/$tenant/sources/new" params={{ tenant }} className={buttonClass('primary')}>
          Connect a source
        </Link>
      </PageHead>
      {sources.isPending ? (
        <Skeleton rows={4} height={72} />
      ) : sources.isError && items.length === 0 ? (
        <FailureNote
          error={sources.error}
          what="The sources cannot be read."
          onRetry={() => void sources.refetch()}
        />
      ) : items.length === 0 ? (
        <Empty
          title="No source yet"
          actions={
            <Link to="/t/$tenant/sources/new" params={{ tenant }} className={buttonClass()}>
              See what can be connected
            </Link>
          }
        >
          Calls, forms, bookings and chats come in from their providers. Connecting one takes about two
          minutes.
        </Empty>
      ) : (
        <ul className={styles.list}>
          {items.map((source) => (
            <li key={source.source_id}>
              <Card
                tenant={tenant}
                source={source}
                today={today}
                days={(whole.data?.items ?? []).filter((one) => one.source_id === source.source_id)}
              />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Card({
  tenant,
  source,
  today,
  days,
}: {
  tenant: string;
  source: Schemas['Source'];
  today: string;
  days: readonly Schemas['Completeness'][];
}) {
  const health = useQuery(healthQuery(tenant, source.source_id));
  const told = health.data;
  const sum = sumOf(days);
  return (
    <article className={styles.card} aria-label={sourceName(source)}>
      <Link
        to="/t/$tenant/sources/$id"
        params={{ tenant, id: source.source_id }}
        className={styles.name}
        data-source={source.source_id}
      >
        <Text>{sourceName(source)}</Text>
        {source.name && <span className={styles.provider}>{providerName(source.provider)}</span>}
      </Link>
      {source.state === 'disabled' ? (
        <span className={layout.faint}>switched off here</span>
      ) : told ? (
        <Health state={told.state} />
      ) : health.isError ? (
        <span className={layout.faint}>its health cannot be read</span>
      ) : (
        <Skeleton rows={1} height={20} />
      )}
      <span className={layout.faint}>
        {told && (
          <>
            today {number(told.today.accepted)}, refused {number(told.today.refused)}
            <br />
            {told.last_at ? (
              <>
                last <Time at={told.last_at} />
              </>
            ) : (
              'nothing came yet'
            )}
          </>
        )}
      </span>
      <span className={layout.faint}>
        {days.length > 0 ? (
          <>
            <span className={styles.squares} aria-hidden>
              {squaresOf(days, today, DAYS).map((square) => (
                <span key={square.date} data-look={square.look} title={square.words} />
              ))}
            </span>
            {number(sum.held)} of {number(sum.at)}
            {sum.recovered > 0 && `, ${number(sum.recovered)} recovered`}
            {sum.missing > 0 && `, ${number(sum.missing)} missing`}
          </>
        ) : (
          'not compared with its provider'
        )}
      </span>
      {told && told.state !== 'healthy' && <p className={styles.detail}>{told.detail}</p>}
    </article>
  );
}
