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
import {
  areaName,
  budgetName,
  channelName,
  intentName,
  noAudio,
  plain,
  projectName,
  providerName,
  startName,
} from '../../text/words';
import FailureNote from '../../ui/failure/failure';
import Phone from '../../ui/phone/phone';
import ScorePlate, { sureness } from '../../ui/score-plate/score-plate';
import Skeleton from '../../ui/skeleton/skeleton';
import StatusMark from '../../ui/status-mark/status-mark';
import Text from '../../ui/text/text';
import Time from '../../ui/time/time';
import styles from './page.module.css';
import Actions from './parts/actions';
import Conversation from './parts/conversation';
import { turnOf } from './parts/find-quote';
import Happened from './parts/happened';

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
        <Whole tenant={tenant} lead={query.data} />
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
  const atMs = at === undefined ? -1 : at * 1000;
  const [lit, setLit] = useState<number | null>(null);
  const current = turns.findLastIndex((turn) => turn.start_ms <= atMs + 50);
  const go = (turn: number) => {
    const start = turns[turn]?.start_ms;
    if (start === undefined) return;
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
      <div className={styles.columns}>
        <section className={styles.panel} aria-labelledby="why">
          <h2 id="why">{analysis ? 'Why this score' : 'Score'}</h2>
          {analysis ? (
            <>
              <p className={styles.score}>
                <span className={styles.big}>{analysis.lead_score}</span>
                <span>
                  of 100, {sureness(analysis.confidence)}
                  <br />
                  <span className={styles.faint}>
                    judged by {analysis.engine === 'rules' ? 'rules' : 'the model'}
                  </span>
                </span>
              </p>
              <div className={styles.gauge} aria-hidden>
                <span style={{ width: `${analysis.lead_score}%` }} />
              </div>
              <ul className={styles.reasons}>
                {reasons.map((reason) => (
                  <li key={`${reason.reason} ${reason.quote}`}>
                    <span className={styles.reason}>
                      <Text>{reason.reason}</Text>
                    </span>
                    {reason.turn >= 0 ? (
                      <button
                        type="button"
                        className={styles.quote}
                        onClick={() => go(reason.turn)}
                        onPointerEnter={() => setLit(reason.turn)}
                        onPointerLeave={() => setLit(null)}
                      >
                        “<Text>{reason.quote}</Text>”
                        <span className={styles.jump}>
                          {callLength((turns[reason.turn]?.start_ms ?? 0) / 1000)}
                        </span>
                      </button>
                    ) : (
                      <span className={styles.quote}>
                        “<Text>{reason.quote}</Text>”
                      </span>
                    )}
                  </li>
                ))}
              </ul>
              <dl className={styles.facts}>
                <Fact name="Wants">
                  {intentName(analysis.intent)}: {projectName(analysis.project_type).toLowerCase()}
                </Fact>
                <Fact name="When">{startName(analysis.timeline)}</Fact>
                <Fact name="Budget">{budgetName(analysis.budget)}</Fact>
                {lead.qualification && (
                  <Fact name="Area">
                    {areaName(lead.qualification.area)}
                    {analysis.postal_code && <> · {analysis.postal_code}</>}
                  </Fact>
                )}
                <Fact name="Spam">{Math.round(analysis.spam_likelihood)} % likely</Fact>
              </dl>
            </>
          ) : (
            <p className={styles.faint}>
              Not judged yet{lead.open_work[0] && <>: the step before it still runs</>}.
            </p>
          )}
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
            />
          ) : (
            <Written lead={lead} />
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
          <dl className={styles.facts}>
            {lead.person.name && (
              <Fact name="Name">
                <Text>{lead.person.name}</Text>
              </Fact>
            )}
            {lead.person.phone && (
              <Fact name="Phone">
                <Phone number={lead.person.phone} />
              </Fact>
            )}
            {lead.person.email && (
              <Fact name="E-mail">
                <Text>{lead.person.email}</Text>
              </Fact>
            )}
            <Fact name="Place">
              <Text>
                {[lead.person.address, lead.person.city, lead.person.state, lead.person.postal_code]
                  .filter(Boolean)
                  .join(', ') || 'unknown'}
              </Text>
            </Fact>
            <Fact name="Came by">
              {providerName(lead.source.provider)}, <Time at={lead.created_at} />
            </Fact>
            <Fact name="Id">
              <code>{lead.request_id}</code>
            </Fact>
          </dl>
        </section>
        <section className={styles.panel} aria-labelledby="sent">
          <h2 id="sent">Sent to</h2>
          {lead.dispatches.length === 0 && (lead.notifications?.messages.length ?? 0) === 0 && (
            <p className={styles.faint}>Nothing was sent.</p>
          )}
          <dl className={styles.facts}>
            {lead.dispatches.map((one) => (
              <Fact key={one.connection} name={providerName(one.connector)}>
                {plain(one.state)}
                {one.reason && (
                  <>
                    : <Text>{one.reason}</Text>
                  </>
                )}
                {Object.entries(one.remote_ids).map(([kind, id]) => (
                  <span key={kind} className={styles.remote}>
                    {kind} <code>{String(id)}</code>
                  </span>
                ))}
              </Fact>
            ))}
            {lead.notifications?.messages.map((message) => (
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
          </dl>
        </section>
        <section className={styles.panel} aria-labelledby="attribution">
          <h2 id="attribution">Where from</h2>
          <Pairs of={lead.attribution} empty="The provider said nothing of it." />
        </section>
        <section className={styles.panel} aria-labelledby="usage">
          <h2 id="usage">What it took</h2>
          <dl className={styles.facts}>
            {lead.usage.map((line, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: lines are only ever added.
              <Fact key={at} name={plain(line.unit)}>
                {number(line.amount)}{' '}
                <span className={styles.faint}>
                  by <Text>{line.by}</Text>
                </span>
              </Fact>
            ))}
          </dl>
          {lead.usage.length === 0 && <p className={styles.faint}>Nothing that costs.</p>}
        </section>
      </div>
    </>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
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

/** What was written or booked, for channels without a recording. */
function Written({ lead }: { lead: Detail }) {
  const { about } = lead;
  switch (about.channel) {
    case 'text':
    case 'chat':
      return (
        <ol className={styles.messages}>
          {about.messages.map((message, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: messages are only ever added.
            <li key={at}>
              <span className={styles.faint}>
                {plain(message.from)}
                {message.at && (
                  <>
                    {' '}
                    · <Time at={message.at} />
                  </>
                )}
              </span>
              <Text>{message.text}</Text>
            </li>
          ))}
        </ol>
      );
    case 'form':
    case 'api':
      return <Filled message={about.message} of={about.answers} />;
    case 'calendar':
      return (
        <>
          <dl className={styles.facts}>
            {about.status && <Fact name="Booking">{plain(about.status)}</Fact>}
            {about.starts_at && (
              <Fact name="Starts">
                <Time at={about.starts_at} />
              </Fact>
            )}
            {about.service && (
              <Fact name="Service">
                <Text>{about.service}</Text>
              </Fact>
            )}
            {about.host && (
              <Fact name="With">
                <Text>{about.host}</Text>
              </Fact>
            )}
            {about.location && (
              <Fact name="Where">
                <Text>{about.location}</Text>
              </Fact>
            )}
          </dl>
          <Filled message={about.message} of={about.answers} />
        </>
      );
    case 'phone':
      return <p className={styles.faint}>{silence(lead)}</p>;
  }
}

function silence({ transcript }: Detail): string {
  switch (transcript?.outcome) {
    case 'silent':
      return 'Nobody said anything.';
    case 'unavailable':
      return 'There is no transcript of it.';
    default:
      return 'No transcript yet.';
  }
}

/** What somebody wrote, and the fields that they filled in. */
function Filled({ message, of }: { message: string | null; of: Record<string, string> }) {
  return (
    <>
      {message && (
        <p className={styles.summary}>
          <Text>{message}</Text>
        </p>
      )}
      <Pairs of={of} empty={message ? 'No further field was filled in.' : 'Nothing was filled in.'} />
    </>
  );
}

/** Names and values from outside. */
function Pairs({ of, empty }: { of: Record<string, unknown>; empty: string }) {
  const told = Object.entries(of).filter(([, value]) => value !== null && value !== '');
  if (told.length === 0) return <p className={styles.faint}>{empty}</p>;
  return (
    <dl className={styles.facts}>
      {told.map(([name, value]) => (
        <Fact key={name} name={plain(name)}>
          <Text>{typeof value === 'string' ? value : JSON.stringify(value)}</Text>
        </Fact>
      ))}
    </dl>
  );
}
