import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import type { Schemas } from '../../api/client';
import { startJob } from '../../api/jobs';
import { keys } from '../../api/keys';
import {
  addKey,
  deliveriesQuery,
  healthQuery,
  removeKey,
  sourcesQuery,
  switchSource,
  testSource,
} from '../../api/sources';
import { useRefusal } from '../../shell/role';
import { number } from '../../text/format';
import { outcomeName, providerName, sourceName } from '../../text/words';
import Button from '../../ui/button/button';
import Confirm from '../../ui/confirm/confirm';
import Delivery from '../../ui/delivery/delivery';
import Empty from '../../ui/empty/empty';
import Facts, { Fact } from '../../ui/facts/facts';
import FailureNote from '../../ui/failure/failure';
import Field, { Input } from '../../ui/field/field';
import Health from '../../ui/health/health';
import JobLine from '../../ui/job-line/job-line';
import layout from '../../ui/layout/layout.module.css';
import Note from '../../ui/note/note';
import Refused from '../../ui/note/refused';
import Once from '../../ui/once/once';
import PageHead from '../../ui/page-head/page-head';
import Rows, { type Column } from '../../ui/rows/rows';
import Skeleton from '../../ui/skeleton/skeleton';
import Text from '../../ui/text/text';
import Time from '../../ui/time/time';
import styles from './page.module.css';
import About from './parts/about';
import { usualGap } from './parts/gap';
import Settings from './parts/settings';
import Snippet from './parts/snippet';

type Source = Schemas['Source'];

/** One source: how it is, its keys, and what it delivered. */
export default function SourcePage() {
  const { tenant, id } = useParams({ from: '/t/$tenant/sources/$id' });
  const sources = useQuery(sourcesQuery(tenant));
  const source = sources.data?.items.find((one) => one.source_id === id);
  if (source) return <Whole tenant={tenant} source={source} />;
  return (
    <>
      <PageHead name="Source" within="Sources" />
      {sources.isPending ? (
        <Skeleton rows={4} height={72} />
      ) : sources.isError ? (
        <FailureNote error={sources.error} onRetry={() => void sources.refetch()} />
      ) : (
        <Empty title="This source is not here, or not yours">
          <Link to="/t/$tenant/sources" params={{ tenant }}>
            All sources
          </Link>
        </Empty>
      )}
    </>
  );
}

function Whole({ tenant, source }: { tenant: string; source: Source }) {
  const cache = useQueryClient();
  const refusal = useRefusal('tenant_admin');
  const operatorRefusal = useRefusal('operator');
  const id = source.source_id;
  const health = useQuery(healthQuery(tenant, id));
  const again = () => cache.invalidateQueries({ queryKey: keys.sources(tenant) });
  const testing = useMutation({ mutationFn: () => testSource(tenant, id), onSettled: again });
  const comparing = useMutation({
    mutationFn: () => startJob(tenant, { kind: 'reconcile', source_id: id }),
    onSettled: again,
  });
  const [isAsked, setAsked] = useState(false);
  const name = sourceName(source);
  const isOff = source.state === 'disabled';
  const enabling = useMutation({ mutationFn: () => switchSource(tenant, id, 'enable'), onSettled: again });
  return (
    <div className={layout.page}>
      <PageHead name={name} within="Sources" lead={source.name ? providerName(source.provider) : undefined}>
        <Button refusal={refusal} disabled={testing.isPending || isOff} onClick={() => testing.mutate()}>
          {testing.isPending ? 'Testing…' : 'Send a test'}
        </Button>
        {health.data?.audited_at !== undefined && health.data.audited_at !== null && (
          <Button
            refusal={operatorRefusal}
            disabled={comparing.isPending}
            onClick={() => comparing.mutate()}
            title="What the provider has and did not come is taken."
          >
            Compare now
          </Button>
        )}
        {isOff ? (
          <Button refusal={refusal} disabled={enabling.isPending} onClick={() => enabling.mutate()}>
            Switch on
          </Button>
        ) : (
          <Button look="quiet" refusal={refusal} onClick={() => setAsked(true)}>
            Switch off…
          </Button>
        )}
      </PageHead>
      {testing.data && (
        <Note {...(testing.data.is_arrived ? { look: 'done' as const } : {})}>{testing.data.detail}</Note>
      )}
      <Refused error={testing.error ?? enabling.error ?? comparing.error} />
      {comparing.data && <JobLine tenant={tenant} id={comparing.data.job_id} />}
      <section className={layout.card} aria-labelledby="health">
        <h2 id="health">Health</h2>
        {isOff ? (
          <p>It is switched off here: its deliveries are refused.</p>
        ) : health.data ? (
          <>
            <p>
              <Health state={health.data.state} />
            </p>
            <p>{health.data.detail}</p>
            {health.data.audit_fault && <p>The last comparison failed: {health.data.audit_fault}</p>}
            <Facts>
              <Fact name="Today">
                {number(health.data.today.accepted)} taken, {number(health.data.today.repeated)} repeated,{' '}
                {health.data.today.refused === 0 ? (
                  '0 refused'
                ) : (
                  <Link to="/t/$tenant/sources/refused" params={{ tenant }}>
                    {number(health.data.today.refused)} refused
                  </Link>
                )}
              </Fact>
              <Fact name="Last">
                {health.data.last_at ? <Time at={health.data.last_at} /> : 'nothing came yet'}
              </Fact>
              <Fact name="Usual gap">{usualGap(health.data.usual_gap_s)}</Fact>
              <Fact name="Compared">
                {health.data.audited_at ? <Time at={health.data.audited_at} /> : 'never'}
              </Fact>
              <Fact name="Connection">{source.connection}</Fact>
            </Facts>
          </>
        ) : health.isError ? (
          <FailureNote
            error={health.error}
            what="Its health cannot be read."
            onRetry={() => void health.refetch()}
          />
        ) : (
          <Skeleton rows={4} height={20} />
        )}
      </section>
      {source.provider === 'webforms' && <Snippet tenant={tenant} source={id} />}
      <About key={source.source_id} tenant={tenant} source={source} refusal={refusal} />
      <Settings tenant={tenant} source={source} refusal={refusal} />
      <SigningKeys tenant={tenant} source={source} refusal={refusal} />
      <div className={styles.deliveries}>
        <h2>Deliveries</h2>
        <Deliveries tenant={tenant} source={id} />
      </div>
      {isAsked && (
        <Confirm
          title={`Switch ${name} off?`}
          act="Switch off"
          onClose={() => setAsked(false)}
          onAct={async () => {
            await switchSource(tenant, id, 'disable');
            await again();
          }}
        >
          What it delivers from then on is refused, and no lead comes of it. It can be switched on again.
        </Confirm>
      )}
    </div>
  );
}

function SigningKeys({
  tenant,
  source,
  refusal,
}: {
  tenant: string;
  source: Source;
  refusal: string | null;
}) {
  const cache = useQueryClient();
  const [key, setKey] = useState('');
  const [gone, setGone] = useState<string | null>(null);
  const again = () => cache.invalidateQueries({ queryKey: keys.sources(tenant) });
  const adding = useMutation({
    mutationFn: () => addKey(tenant, source.source_id, key),
    onSuccess: () => {
      setKey('');
      return again();
    },
  });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (key && !refusal && !adding.isPending) adding.mutate();
  };
  return (
    <section className={layout.card} aria-labelledby="keys">
      <h2 id="keys">Signing keys</h2>
      <p className={layout.faint}>
        To change the key, add the new one, then change it at the provider, then remove the old one: both are
        taken meanwhile.
      </p>
      <ul className={styles.keys}>
        {source.keys.map((name) => (
          <li key={name}>
            <code>{name}</code>
            <Button refusal={refusal} disabled={source.keys.length < 2} onClick={() => setGone(name)}>
              Remove<span className="hidden-but-read"> {name}</span>
            </Button>
          </li>
        ))}
      </ul>
      <form className={layout.row} onSubmit={onSubmit}>
        <Field label="A further key">
          {(props) => (
            <Input
              {...props}
              type="password"
              value={key}
              onChange={setKey}
              autoComplete="off"
              disabled={Boolean(refusal)}
            />
          )}
        </Field>
        <Button type="submit" refusal={refusal} disabled={!key || adding.isPending}>
          Add
        </Button>
      </form>
      <Refused error={adding.error} what="It was not added" />
      {adding.data?.signing_key && (
        <Once title="The key, shown this once" lines={[{ label: 'Key', text: adding.data.signing_key }]} />
      )}
      {gone && (
        <Confirm
          title={`Remove ${gone}?`}
          act="Remove"
          onClose={() => setGone(null)}
          onAct={async () => {
            await removeKey(tenant, source.source_id, gone);
            await again();
          }}
        >
          Deliveries that are still signed by it are refused.
        </Confirm>
      )}
    </section>
  );
}

function Deliveries({ tenant, source }: { tenant: string; source: string }) {
  const list = useInfiniteQuery(deliveriesQuery(tenant, source));
  const [open, setOpen] = useState<string | null>(null);
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  if (list.isPending) return <Skeleton rows={5} height={36} />;
  if (list.isError && items.length === 0) {
    return (
      <FailureNote
        error={list.error}
        what="Its deliveries cannot be read."
        onRetry={() => void list.refetch()}
      />
    );
  }
  if (items.length === 0) return <Empty title="Nothing came yet">Send a test to see the first one.</Empty>;
  const columns: Column<Schemas['DeliverySummary']>[] = [
    { name: 'Came', fits: true, of: (one) => <Time at={one.received_at} /> },
    { name: 'Event', fits: true, of: (one) => (one.event ? <Text>{one.event}</Text> : '–') },
    {
      name: 'Became',
      of: (one) => (
        <>
          {one.request_id ? (
            <Link to="/t/$tenant/leads/$id" params={{ tenant, id: one.request_id }}>
              Lead <code>{one.request_id.slice(-8)}</code>
            </Link>
          ) : (
            outcomeName(one.outcome)
          )}
          {one.remark && (
            <>
              : <Text>{one.remark}</Text>
            </>
          )}
        </>
      ),
    },
    { name: 'Bytes', fits: true, of: (one) => number(one.body_bytes) },
    { name: 'Repeats', fits: true, of: (one) => number(one.repeats) },
    {
      name: 'Body',
      isBare: true,
      fits: true,
      of: (one) => (
        <Button onClick={() => setOpen(one.event_id)}>
          See it<span className="hidden-but-read"> {one.event_id}</span>
        </Button>
      ),
    },
  ];
  return (
    <>
      <Rows
        label="Deliveries"
        columns={columns}
        rows={items}
        keyOf={(one) => one.event_id}
        onMore={list.hasNextPage ? () => void list.fetchNextPage() : undefined}
        isFetching={list.isFetchingNextPage}
      />
      {open && <Delivery tenant={tenant} event={open} onClose={() => setOpen(null)} />}
    </>
  );
}
