import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { callKey } from '../../api/act';
import { api, type Lead, read } from '../../api/client';
import type { Filter } from '../../api/filter';
import { startJob } from '../../api/jobs';
import { keys } from '../../api/keys';
import { countQuery, leadsQuery } from '../../api/leads-query';
import { useRefusal } from '../../shell/role';
import { stepFocus, useKeys } from '../../shell/shortcuts';
import { number, phone } from '../../text/format';
import { channelName } from '../../text/words';
import Button, { buttonClass } from '../../ui/button/button';
import Confirm from '../../ui/confirm/confirm';
import Empty from '../../ui/empty/empty';
import FailureNote from '../../ui/failure/failure';
import JobLine from '../../ui/job-line/job-line';
import layout from '../../ui/layout/layout.module.css';
import Refused from '../../ui/note/refused';
import PageHead from '../../ui/page-head/page-head';
import Rows, { type Column } from '../../ui/rows/rows';
import Skeleton from '../../ui/skeleton/skeleton';
import StatusMark from '../../ui/status-mark/status-mark';
import Text from '../../ui/text/text';
import Time from '../../ui/time/time';
import Views from '../../ui/views/views';
import styles from './page.module.css';

/** So many at most go into one job by their ids. */
const MOST_CHOSEN = 1_000;

const SPAM: Filter = { status: ['quarantined'] };
const AREA: Filter = { status: ['out_of_area'] };

const release = (tenant: string, id: string) =>
  read(
    api.POST('/v1/tenants/{tenant_id}/requests/{request_id}/release', {
      params: { path: { tenant_id: tenant, request_id: id }, header: { 'Idempotency-Key': callKey() } },
    }),
  );

/** What was kept out, as spam or as too far away, and a way back for what should not have been. */
export default function Quarantine() {
  const { tenant } = useParams({ from: '/t/$tenant/quarantine' });
  const { kind } = useSearch({ from: '/t/$tenant/quarantine' });
  const isSpam = kind !== 'area';
  return (
    <>
      <PageHead
        name="Quarantine"
        lead={
          isSpam
            ? 'What was judged to be spam. None of it went anywhere; what you release goes on as every other lead.'
            : 'Genuine leads whose project is outside the service area. None of it went anywhere; what you release goes on.'
        }
      />
      <Views
        label="Kept out as"
        views={[
          {
            name: 'Spam',
            isOpen: isSpam,
            link: <Link to="/t/$tenant/quarantine" params={{ tenant }} search={{}} />,
          },
          {
            name: 'Out of area',
            isOpen: !isSpam,
            link: <Link to="/t/$tenant/quarantine" params={{ tenant }} search={{ kind: 'area' }} />,
          },
        ]}
      />
      <List key={kind ?? 'spam'} tenant={tenant} filter={isSpam ? SPAM : AREA} />
    </>
  );
}

function List({ tenant, filter }: { tenant: string; filter: Filter }) {
  const cache = useQueryClient();
  const refusal = useRefusal('operator');
  const list = useInfiniteQuery(leadsQuery(tenant, filter));
  const count = useQuery(countQuery(tenant, filter)).data;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [job, setJob] = useState<string | null>(null);
  const [isAsked, setAsked] = useState(false);
  const leads = list.data?.pages.flatMap((page) => page.items) ?? [];
  const isHere = (lead: Lead) => filter.status?.includes(lead.status) ?? false;
  const releasing = useMutation({
    mutationFn: (id: string) => release(tenant, id),
    onSettled: (_, __, id) => {
      void cache.invalidateQueries({ queryKey: keys.lead(tenant, id) });
      void cache.invalidateQueries({ queryKey: keys.counts(tenant) });
      void cache.invalidateQueries({ queryKey: keys.lists(tenant), refetchType: 'none' });
    },
  });
  const toggle = (id: string) =>
    setChosen((before) => {
      const next = new Set(before);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  const chosenHere = leads.filter((lead) => chosen.has(lead.request_id) && isHere(lead));
  useKeys({
    j: () => stepFocus('[data-who]', 1),
    k: () => stepFocus('[data-who]', -1),
    x: () => {
      const at = document.activeElement?.getAttribute('data-who');
      if (at) toggle(at);
    },
  });
  const columns: Column<Lead>[] = [
    {
      name: 'Select',
      isBare: true,
      fits: true,
      of: (lead) => (
        <input
          type="checkbox"
          className={styles.box}
          aria-label={`Select ${nameOf(lead)}`}
          checked={chosen.has(lead.request_id)}
          disabled={!isHere(lead) || Boolean(refusal)}
          onChange={() => toggle(lead.request_id)}
        />
      ),
    },
    ...(filter === SPAM
      ? [
          {
            name: 'Spam',
            fits: true,
            of: (lead: Lead) =>
              lead.spam_likelihood === null ? '–' : `${Math.round(lead.spam_likelihood)} %`,
          },
        ]
      : []),
    {
      name: 'Who',
      fits: true,
      of: (lead) => (
        <Link
          to="/t/$tenant/leads/$id"
          params={{ tenant, id: lead.request_id }}
          data-who={lead.request_id}
          className={styles.who}
        >
          <Text>{nameOf(lead)}</Text>
        </Link>
      ),
    },
    {
      name: 'About',
      of: (lead) =>
        lead.summary ? <Text>{lead.summary}</Text> : <span className={layout.faint}>{lead.headline}</span>,
    },
    {
      name: 'Where',
      fits: true,
      of: (lead) => (lead.contact.city ? <Text>{lead.contact.city}</Text> : '–'),
    },
    { name: 'By', fits: true, of: (lead) => channelName(lead.channel) },
    { name: 'Came', fits: true, of: (lead) => <Time at={lead.created_at} /> },
    {
      name: 'Release',
      isBare: true,
      fits: true,
      of: (lead) =>
        isHere(lead) ? (
          <Button
            refusal={refusal}
            disabled={releasing.isPending && releasing.variables === lead.request_id}
            title="It goes to the CRM, and people are told."
            onClick={() => releasing.mutate(lead.request_id)}
          >
            Release<span className="hidden-but-read"> {nameOf(lead)}</span>
          </Button>
        ) : (
          <StatusMark status={lead.status} stage={lead.stage} />
        ),
    },
  ];

  if (list.isPending) return <Skeleton rows={8} height={44} />;
  if (list.isError && leads.length === 0) {
    return (
      <FailureNote
        error={list.error}
        what="What was kept out cannot be read."
        onRetry={() => void list.refetch()}
      />
    );
  }
  return (
    <div className={styles.list}>
      {job && <JobLine tenant={tenant} id={job} />}
      <Refused error={releasing.error} what="It was not released" />
      {leads.length === 0 ? (
        <Empty
          title="Nothing was kept out"
          actions={
            <Link to="/t/$tenant/leads" params={{ tenant }} search={{}} className={buttonClass()}>
              All leads
            </Link>
          }
        >
          {filter === SPAM
            ? 'Spam stands here, with why it is thought to be that.'
            : 'Leads from outside the service area stand here.'}
        </Empty>
      ) : (
        <>
          <div className={styles.bar}>
            <span className={layout.faint} aria-live="polite">
              {count && `${number(count.count)}${count.is_exact ? '' : '+'} kept out`}
              {chosenHere.length > 0 && ` · ${number(chosenHere.length)} selected`}
            </span>
            <Button
              refusal={refusal}
              disabled={chosenHere.length === 0 || chosenHere.length > MOST_CHOSEN}
              onClick={() => setAsked(true)}
            >
              Release selected…
            </Button>
          </div>
          <Rows
            label="Kept out"
            columns={columns}
            rows={leads}
            keyOf={(lead) => lead.request_id}
            onMore={list.hasNextPage ? () => void list.fetchNextPage() : undefined}
            isFetching={list.isFetchingNextPage}
          />
        </>
      )}
      {isAsked && (
        <Confirm
          title={`Release ${number(chosenHere.length)} ${chosenHere.length === 1 ? 'lead' : 'leads'}?`}
          act="Release"
          onClose={() => setAsked(false)}
          onAct={async () => {
            const ids = chosenHere.map((lead) => lead.request_id);
            const started = await startJob(tenant, { kind: 'release', filter: { request_ids: ids } });
            setJob(started.job_id);
            setChosen(new Set());
          }}
        >
          They go to your CRM, and people are told. That cannot be taken back. The server does it, also if you
          close this tab.
        </Confirm>
      )}
    </div>
  );
}

const nameOf = (lead: Lead): string =>
  lead.contact.name ?? (lead.contact.phone ? phone(lead.contact.phone) : lead.headline);
