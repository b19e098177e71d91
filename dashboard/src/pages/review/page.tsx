import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import type { Lead, Schemas } from '../../api/client';
import { configQuery } from '../../api/config-query';
import { keys } from '../../api/keys';
import { leadQuery } from '../../api/lead-query';
import { countQuery, leadsQuery } from '../../api/leads-query';
import { useLive } from '../../api/live-store';
import { Failure } from '../../api/problem';
import { useNow } from '../../shell/office';
import { useRefusal } from '../../shell/role';
import { useKeys } from '../../shell/shortcuts';
import { number, phone, waited } from '../../text/format';
import { areaName, channelName, intentName, projectName, providerName } from '../../text/words';
import Button, { buttonClass } from '../../ui/button/button';
import Empty from '../../ui/empty/empty';
import FailureNote from '../../ui/failure/failure';
import layout from '../../ui/layout/layout.module.css';
import Note from '../../ui/note/note';
import Refused from '../../ui/note/refused';
import PageHead from '../../ui/page-head/page-head';
import ScorePlate from '../../ui/score-plate/score-plate';
import Skeleton from '../../ui/skeleton/skeleton';
import SpamGauge from '../../ui/spam-gauge/spam-gauge';
import Text from '../../ui/text/text';
import Time from '../../ui/time/time';
import styles from './page.module.css';
import { type Decision, decide, QUEUE } from './queries';
import { nextOf, waitingOf } from './queue';

const FIRST_WORDS = 6;

type Told = { words: string; undo?: string };

/** One lead at a time, the oldest first, decided by one key. */
export default function Review() {
  const { tenant } = useParams({ from: '/t/$tenant/review' });
  const { lead: wanted } = useSearch({ from: '/t/$tenant/review' });
  const cache = useQueryClient();
  const navigate = useNavigate();
  const refusal = useRefusal('operator');
  const list = useInfiniteQuery(leadsQuery(tenant, QUEUE));
  const count = useQuery(countQuery(tenant, QUEUE)).data;
  const { fresh } = useLive();
  const [decided, setDecided] = useState<ReadonlySet<string>>(new Set());
  const [told, setTold] = useState<Told | null>(null);

  const listed = list.data?.pages.flatMap((page) => page.items) ?? [];
  const known = new Set(listed.map((lead) => lead.request_id));
  // What came meanwhile is younger than all that waits: it queues up behind.
  const added = fresh.filter((lead) => !known.has(lead.request_id)).reverse();
  const waiting = waitingOf([...listed, ...added], decided);
  const current = waiting.find((lead) => lead.request_id === wanted) ?? waiting[0];
  const next = nextOf(waiting, current?.request_id);
  const at = current ? waiting.indexOf(current) : -1;

  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  useEffect(() => {
    if (waiting.length < 5 && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [waiting.length, hasNextPage, isFetchingNextPage, fetchNextPage]);
  useEffect(() => {
    if (next) void cache.prefetchQuery(leadQuery(tenant, next.request_id));
  }, [cache, tenant, next]);

  const open = (lead: Lead | undefined) =>
    void navigate({
      to: '/t/$tenant/review',
      params: { tenant },
      search: lead ? { lead: lead.request_id } : {},
      replace: true,
    });
  // Which one is next is known before: the stream may tell of the decision before its answer is here.
  const settle = (lead: Lead, following: Lead | undefined) => {
    setDecided((before) => new Set(before).add(lead.request_id));
    void cache.invalidateQueries({ queryKey: keys.counts(tenant) });
    void cache.invalidateQueries({ queryKey: keys.lead(tenant, lead.request_id) });
    open(following);
  };
  const deciding = useMutation({
    mutationFn: ({ lead, decision }: { lead: Lead; decision: Decision; following: Lead | undefined }) =>
      decide(tenant, lead.request_id, decision),
    onSuccess: (_, { lead, decision, following }) => {
      if (decision === 'release') return setTold({ words: `${nameOf(lead)} goes on after all.` });
      const isSpam = decision === 'reject';
      setTold({
        words: `${nameOf(lead)} ${isSpam ? 'is kept out.' : 'goes on.'}`,
        ...(isSpam && { undo: lead.request_id }),
      });
      settle(lead, following);
    },
    onError: async (error, { lead, decision, following }) => {
      if (!(error instanceof Failure) || error.status !== 409 || decision === 'release') return;
      const detail = await cache
        .fetchQuery({ ...leadQuery(tenant, lead.request_id), staleTime: 0 })
        .catch(() => null);
      setTold({ words: whoDecided(lead, detail?.verdict ?? null) });
      settle(lead, following);
    },
  });
  const press = (decision: Decision, lead: Lead | undefined) => {
    if (lead && !refusal && !deciding.isPending)
      deciding.mutate({ lead, decision, following: nextOf(waiting, lead.request_id) });
  };
  const undone = told?.undo ? [...listed, ...added].find((lead) => lead.request_id === told.undo) : undefined;
  useKeys({
    a: () => press('approve', current),
    r: () => press('reject', current),
    s: () => next && open(next),
    u: () => press('release', undone),
  });
  const isBeaten = deciding.error instanceof Failure && deciding.error.status === 409;
  const total = count
    ? Math.max(count.count - decidedStill(count.count, listed, decided), waiting.length)
    : waiting.length;

  return (
    <div className={styles.page}>
      <PageHead name="Review">
        {current && (
          <span className={layout.faint} aria-live="polite">
            {number(at + 1)} of {number(total)}
            {count && !count.is_exact && '+'} · oldest{' '}
            <Waits since={waiting[0]?.created_at ?? current.created_at} />
          </span>
        )}
      </PageHead>
      {told && (
        <div className={styles.told}>
          <Note>
            {told.words}
            {undone && (
              <>
                {' '}
                <Button
                  look="quiet"
                  refusal={refusal}
                  title="It goes to the CRM, and people are told."
                  onClick={() => press('release', undone)}
                >
                  Release it after all <kbd>u</kbd>
                </Button>
              </>
            )}
          </Note>
        </div>
      )}
      {!isBeaten && <Refused error={deciding.error} what="Nothing was decided" />}
      {list.isPending ? (
        <Skeleton rows={1} height={420} />
      ) : list.isError && listed.length === 0 ? (
        <FailureNote
          error={list.error}
          what="What waits for a decision cannot be read."
          onRetry={() => void list.refetch()}
        />
      ) : current ? (
        <Card
          key={current.request_id}
          tenant={tenant}
          lead={current}
          buttons={
            <>
              <Button
                look="primary"
                refusal={refusal}
                disabled={deciding.isPending}
                onClick={() => press('approve', current)}
              >
                Approve <kbd>a</kbd>
              </Button>
              <Button
                refusal={refusal}
                disabled={deciding.isPending}
                onClick={() => press('reject', current)}
              >
                Spam <kbd>r</kbd>
              </Button>
              <Button look="quiet" disabled={!next} onClick={() => open(next)}>
                Skip <kbd>s</kbd>
              </Button>
            </>
          }
        />
      ) : (
        <Empty
          title="Nothing to review"
          actions={
            <Link to="/t/$tenant/quarantine" params={{ tenant }} search={{}} className={buttonClass()}>
              What was kept out
            </Link>
          }
        >
          {decided.size > 0
            ? `You decided about ${number(decided.size)} just now. `
            : 'Leads that may be spam wait here until a person decides. '}
          The next one shows the second it comes.
        </Empty>
      )}
    </div>
  );
}

/** Of the ones that were decided here, how many a count of before still holds. */
const decidedStill = (count: number, listed: readonly Lead[], decided: ReadonlySet<string>): number =>
  count >= listed.length
    ? listed.filter((lead) => decided.has(lead.request_id) && lead.status === 'in_review').length
    : 0;

const nameOf = (lead: Lead): string =>
  lead.contact.name ?? (lead.contact.phone ? phone(lead.contact.phone) : lead.headline);

/** Who was faster, and with what. */
function whoDecided(lead: Lead, verdict: Schemas['Verdict'] | null): string {
  if (!verdict) return `${nameOf(lead)} is not in review any more.`;
  return `${verdict.by} was faster: ${nameOf(lead)} was ${verdict.decision === 'approved' ? 'approved' : 'said to be spam'}.`;
}

function Waits({ since }: { since: string }) {
  const now = useNow();
  return <span data-time>{waited((now - Date.parse(since)) / 1000)}</span>;
}

function Card({ tenant, lead, buttons }: { tenant: string; lead: Lead; buttons: React.ReactNode }) {
  const query = useQuery(leadQuery(tenant, lead.request_id));
  const detail = query.data;
  const office = detail?.source.office_id;
  const config = useQuery({ ...configQuery(tenant, office ?? ''), enabled: Boolean(office) }).data?.config;
  return (
    <article className={styles.card} aria-label={nameOf(lead)} data-lead={lead.request_id}>
      <header className={layout.top}>
        <ScorePlate score={lead.lead_score} confidence={lead.confidence} />
        <h2 className={`${layout.title} ${styles.name}`}>
          <Link to="/t/$tenant/leads/$id" params={{ tenant, id: lead.request_id }}>
            <Text>{nameOf(lead)}</Text>
          </Link>
        </h2>
        <span className={layout.faint}>
          {channelName(lead.channel)} · {providerName(lead.provider)} · <Time at={lead.created_at} />
        </span>
      </header>
      {lead.spam_likelihood !== null && (
        <div className={styles.spam}>
          <strong>Spam {Math.round(lead.spam_likelihood)} %</strong>
          {config?.spam && (
            <SpamGauge
              likelihood={lead.spam_likelihood}
              reviewFrom={config.spam.review_from ?? 50}
              quarantineAbove={config.spam.quarantine_above ?? 85}
            />
          )}
        </div>
      )}
      {lead.summary && (
        <p className={styles.summary}>
          <Text>{lead.summary}</Text>
        </p>
      )}
      {detail ? (
        <Said lead={detail} />
      ) : query.isError ? (
        <FailureNote
          error={query.error}
          what="What was said cannot be read."
          onRetry={() => void query.refetch()}
        />
      ) : (
        <Skeleton rows={5} height={20} />
      )}
      <p className={styles.effect}>{detail ? effect(detail, config) : 'Approving sends it on. '}</p>
      <footer className={styles.buttons}>{buttons}</footer>
    </article>
  );
}

type Config = Pick<Schemas['OfficeConfig']['config'], 'destinations' | 'notifications'>;

/** What approving does, before the press. */
function effect(lead: Schemas['RequestDetail'], config: Config | undefined): string {
  const connections = lead.qualification?.destinations ?? config?.destinations ?? [];
  const crms = connections.map((one) => providerName(one.connector));
  const people = config?.notifications?.email ?? [];
  const told = people.length > 3 ? `${people.length} people` : people.join(', ');
  if (crms.length === 0 && people.length === 0) {
    return 'Approving sends it on; no CRM and nobody to tell is set up, so it waits in Stuck.';
  }
  const goes = [
    crms.length > 0 && `it goes to ${crms.join(', ')}`,
    people.length > 0 && `a message goes to ${told}`,
  ];
  return `If you approve: ${goes.filter(Boolean).join(', and ')}. If it is spam, it is kept out and can be released later.`;
}

/** The words that show each reason: several may show the same. */
function quotesOf(reasons: readonly Schemas['Reason'][]): Map<string, string[]> {
  const quotes = new Map<string, string[]>();
  for (const { reason, quote } of reasons) {
    const before = quotes.get(reason) ?? [];
    quotes.set(reason, quote && !before.includes(quote) ? [...before, quote] : before);
  }
  return quotes;
}

/** What makes one think that it is spam, or not: the judge's reasons, and the beginning of what was said. */
function Said({ lead }: { lead: Schemas['RequestDetail'] }) {
  const { analysis, about } = lead;
  const said =
    lead.transcript?.turns.map((turn) => turn.text) ??
    ('messages' in about ? about.messages.map((message) => message.text) : []);
  const written = 'message' in about && about.message ? [about.message] : [];
  const words = said.length > 0 ? said : written;
  return (
    <div className={styles.columns}>
      <section aria-label="Why">
        <h3 className={styles.mark}>Why</h3>
        {analysis ? (
          <>
            <p className={layout.faint}>
              {intentName(analysis.intent)} · {projectName(analysis.project_type).toLowerCase()}
              {lead.qualification && <> · {areaName(lead.qualification.area)}</>}
            </p>
            <ul className={styles.reasons}>
              {[...quotesOf(analysis.reasons)].map(([reason, quotes]) => (
                <li key={reason}>
                  <Text>{reason}</Text>
                  {quotes.map((quote) => (
                    <q key={quote} className={styles.quote}>
                      <Text>{quote}</Text>
                    </q>
                  ))}
                </li>
              ))}
            </ul>
          </>
        ) : (
          <p className={layout.faint}>
            {lead.qualification?.gate_reason ? (
              <Text>{lead.qualification.gate_reason}</Text>
            ) : (
              'It was not judged.'
            )}
          </p>
        )}
      </section>
      <section aria-label="What was said">
        <h3 className={styles.mark}>What was said</h3>
        {words.length === 0 && <p className={layout.faint}>Nothing that can be read.</p>}
        <ol className={styles.words}>
          {words.slice(0, FIRST_WORDS).map((text, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: what was said does not change.
            <li key={at}>
              <Text>{text}</Text>
            </li>
          ))}
        </ol>
        {words.length > FIRST_WORDS && (
          <p className={layout.faint}>and {number(words.length - FIRST_WORDS)} more on the lead’s page</p>
        )}
      </section>
    </div>
  );
}
