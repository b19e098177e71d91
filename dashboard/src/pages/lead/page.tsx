import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import type { Pages } from '../../api/cache';
import type { Lead, Schemas } from '../../api/client';
import { keys } from '../../api/keys';
import { leadQuery } from '../../api/lead-query';
import { meQuery } from '../../api/queries';
import { useKeys } from '../../shell/shortcuts';
import { callLength, number, phone } from '../../text/format';
import { channelName, noAudio, plain } from '../../text/words';
import Facts, { Fact } from '../../ui/facts/facts';
import FailureNote from '../../ui/failure/failure';
import ScorePlate from '../../ui/score-plate/score-plate';
import Skeleton from '../../ui/skeleton/skeleton';
import StatusMark from '../../ui/status-mark/status-mark';
import Text from '../../ui/text/text';
import Waits from '../../ui/waits/waits';
import styles from './page.module.css';
import Actions from './parts/actions';
import Conversation from './parts/conversation';
import { turnOf } from './parts/find-quote';
import From from './parts/from';
import Happened from './parts/happened';
import { worthKnowing } from './parts/known';
import Person from './parts/person';
import Player from './parts/player';
import { turnAt } from './parts/positions';
import Sent, { Deliveries } from './parts/sent';
import { useListening } from './parts/use-listening';
import Why from './parts/why';
import Written from './parts/written';

type Detail = Schemas['RequestDetail'];

export default function LeadPage() {
  const { tenant, id } = useParams({ from: '/t/$tenant/leads/$id' });
  const query = useQuery(leadQuery(tenant, id));
  const company = useQuery(meQuery).data?.tenants.find((one) => one.tenant_id === tenant)?.name;
  const row = useListed(tenant);
  const at = row.findIndex((one) => one.request_id === id);
  const navigate = useNavigate();
  const step = (by: number) => {
    const next = at < 0 ? undefined : row[at + by];
    if (next) void navigate({ to: '/t/$tenant/leads/$id', params: { tenant, id: next.request_id } });
  };
  const onNext = () => step(1);
  const onPrevious = () => step(-1);
  useKeys({ J: onNext, K: onPrevious });
  const listed = row[at];
  const name = query.data ? nameOf(query.data) : (listed?.contact.name ?? 'Lead');
  return (
    <>
      <title>{[name, 'Leads', company].filter(Boolean).join(' · ')}</title>
      <nav className={styles.back} aria-label="List">
        <Link to="/t/$tenant/leads" params={{ tenant }} search={{}}>
          ‹ Leads
        </Link>
        {at >= 0 && (
          <span className={styles.faint}>
            {at + 1} of {number(row.length)} listed
          </span>
        )}
      </nav>
      {query.data ? (
        <Whole key={query.data.request_id} tenant={tenant} lead={query.data} />
      ) : query.isError ? (
        <>
          <h1 className="hidden-but-read">Lead</h1>
          <FailureNote
            error={query.error}
            {...(isAbsent(query.error) ? { what: 'This lead is not here, or not yours' } : {})}
            onRetry={() => void query.refetch()}
          />
        </>
      ) : (
        <>
          <header className={styles.header}>
            {listed && <ScorePlate score={listed.lead_score} confidence={listed.confidence} />}
            <h1>
              <Text>{name}</Text>
            </h1>
            {listed && <StatusMark status={listed.status} stage={listed.stage} isPill />}
          </header>
          <Skeleton rows={4} height={72} />
        </>
      )}
    </>
  );
}

const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'status' in error && error.status === 404;

/** The leads of the list that one came from, as it is kept. */
function useListed(tenant: string): Lead[] {
  const cache = useQueryClient();
  const lists = cache.getQueriesData<Pages>({ queryKey: keys.lists(tenant) });
  return lists.at(-1)?.[1]?.pages.flatMap((page) => page.items) ?? [];
}

const nameOf = (lead: Detail): string =>
  lead.contact.name ?? lead.person.name ?? (lead.contact.phone ? phone(lead.contact.phone) : lead.headline);

function Whole({ tenant, lead }: { tenant: string; lead: Detail }) {
  const { at } = useSearch({ from: '/t/$tenant/leads/$id' });
  const navigate = useNavigate();
  const turns = lead.transcript?.turns ?? [];
  const reasons = (lead.analysis?.reasons ?? []).map((reason) => ({
    ...reason,
    turn: turnOf(reason.quote, turns),
  }));
  const [lit, setLit] = useState<number | null>(null);
  const listening = useListening(tenant, lead, turns, at);
  const current = listening?.heard ?? turnAt(turns, at === undefined ? -1_000 : at * 1000);
  const go = (turn: number) => {
    const start = turns[turn]?.start_ms;
    if (start === undefined) return;
    listening?.audio.seek(start, true);
    void navigate({
      to: '/t/$tenant/leads/$id',
      params: { tenant, id: lead.request_id },
      search: { at: start / 1000 },
      replace: true,
      resetScroll: false,
    });
  };
  const marks = [...new Set(reasons.map((reason) => reason.turn))]
    .filter((turn) => turn >= 0)
    .sort((a, b) => a - b);
  useKeys({
    ']': () => go(marks.find((turn) => turn > current) ?? -1),
    '[': () => go(marks.findLast((turn) => turn < current) ?? -1),
  });
  const analysis = lead.analysis;
  const known = worthKnowing(lead);
  return (
    <>
      <header className={styles.header}>
        {analysis && (
          <ScorePlate
            score={analysis.lead_score}
            confidence={analysis.confidence}
            isByRules={analysis.engine === 'rules'}
          />
        )}
        <h1 className={styles.name}>
          <Text>{nameOf(lead)}</Text>
        </h1>
        <StatusMark status={lead.status} stage={lead.open_work[0]?.stage ?? null} isPill />
        {lead.needs_call && <Waits since={lead.created_at} />}
        <Actions tenant={tenant} lead={lead} />
      </header>
      {lead.merged_from && (
        <p className={styles.notice}>
          This lead was found to be the same as another; here is the one that was kept.
        </p>
      )}
      {analysis && (
        <p className={styles.summary}>
          <Text>{analysis.summary}</Text>
        </p>
      )}
      {known.length > 0 && (
        <ul className={styles.notice} aria-label="Worth knowing">
          {known.map((one) => (
            <li key={one}>
              <Text>{one}</Text>
            </li>
          ))}
        </ul>
      )}
      <div className={styles.columns}>
        <section className={styles.panel} aria-labelledby="why">
          <h2 id="why">{analysis ? 'Why this score' : 'Score'}</h2>
          <Why lead={lead} reasons={reasons} onPick={go} onLight={setLit} />
        </section>
        <section className={styles.panel} aria-labelledby="said">
          <h2 id="said">
            <About lead={lead} />
          </h2>
          {lead.recording?.state === 'absent' && lead.recording.reason && (
            <p className={styles.notice}>{noAudio(lead.recording.reason)}</p>
          )}
          {turns.length > 0 ? (
            <Conversation
              turns={turns}
              quoted={new Set(lit === null ? marks : [lit])}
              current={current}
              onPick={go}
              listening={listening}
            />
          ) : listening ? (
            <>
              <Player listening={listening} />
              <p className={styles.faint}>There is no transcript of it.</p>
            </>
          ) : (
            <Written tenant={tenant} lead={lead} />
          )}
        </section>
        <section className={styles.panel} aria-labelledby="happened">
          <h2 id="happened">What happened</h2>
          <Happened lead={lead} />
        </section>
      </div>
      <div className={styles.below}>
        <section className={styles.panel} aria-labelledby="person">
          <h2 id="person">Person</h2>
          <Person tenant={tenant} lead={lead} />
        </section>
        <section className={styles.panel} aria-labelledby="sent">
          <h2 id="sent">Sent to</h2>
          <Sent tenant={tenant} lead={lead} />
        </section>
        <section className={styles.panel} aria-labelledby="attribution">
          <h2 id="attribution">Where from</h2>
          <From lead={lead} />
        </section>
        <section className={styles.panel} aria-labelledby="deliveries">
          <h2 id="deliveries">Deliveries</h2>
          <Deliveries tenant={tenant} lead={lead} />
        </section>
        <section className={styles.panel} aria-labelledby="usage">
          <h2 id="usage">What it took</h2>
          <Facts>
            {lead.usage.map((line, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: lines are only ever added.
              <Fact key={at} name={plain(line.unit)}>
                {number(line.amount)}{' '}
                <span className={styles.faint}>
                  by <Text>{line.by}</Text>
                </span>
              </Fact>
            ))}
          </Facts>
          {lead.usage.length === 0 && <p className={styles.faint}>Nothing that costs.</p>}
        </section>
      </div>
    </>
  );
}

function About({ lead }: { lead: Detail }) {
  const seconds = lead.about.channel === 'phone' ? lead.about.duration_seconds : null;
  return (
    <>
      {channelName(lead.channel)}
      {typeof seconds === 'number' && <> {callLength(seconds)}</>}
    </>
  );
}
