import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import type { Schemas } from '../../api/client';
import { keys } from '../../api/keys';
import { Failure } from '../../api/problem';
import { useRefusal } from '../../shell/role';
import { number } from '../../text/format';
import { providerName } from '../../text/words';
import Button from '../../ui/button/button';
import History from '../../ui/draft/history';
import SaveBar from '../../ui/draft/save-bar';
import { useDraft } from '../../ui/draft/use-draft';
import Empty from '../../ui/empty/empty';
import FailureNote from '../../ui/failure/failure';
import layout from '../../ui/layout/layout.module.css';
import Note from '../../ui/note/note';
import PageHead from '../../ui/page-head/page-head';
import Skeleton from '../../ui/skeleton/skeleton';
import Text from '../../ui/text/text';
import { type Fault, faultsElsewhere, faultsOf, type Judged } from './faults';
import { knownOf, sectionsOf } from './fields';
import styles from './page.module.css';
import Beaten from './parts/beaten';
import PreviewCard from './parts/preview';
import SectionCard from './parts/section';
import {
  diffQuery,
  mappingQuery,
  preview,
  restoreVersion,
  saveMapping,
  schemaQuery,
  versionsQuery,
} from './queries';
import { faultOf, isSame, type Mapping, type Rule, read, write } from './written';

type Saved = Schemas['FieldMapping'];

/** What stands in a CRM's fields: a row for each that is not filled as usual, and what would be sent by them. */
export default function MappingPage() {
  const { tenant, connection } = useParams({ from: '/t/$tenant/crm/$connection/mapping' });
  const saved = useQuery(mappingQuery(tenant, connection));
  const noCrm = saved.error instanceof Failure && saved.error.kind === 'conflict' ? saved.error.detail : null;
  return (
    <div className={styles.page}>
      <p>
        <Link to="/t/$tenant/crm" params={{ tenant }}>
          ‹ CRM
        </Link>
      </p>
      <PageHead
        name={`Field mapping of ${providerName(connection)}`}
        within="CRM"
        lead="Leads go into the CRM as you would enter them, without any of this. A row here fills a field otherwise, or one of your own. What no row speaks of is filled as usual."
      />
      {saved.data ? (
        <Editor tenant={tenant} connection={connection} saved={saved.data} />
      ) : noCrm ? (
        <Empty title="Nothing to map here">{noCrm}</Empty>
      ) : saved.isError ? (
        <FailureNote
          error={saved.error}
          what="The mapping cannot be read."
          onRetry={() => void saved.refetch()}
        />
      ) : (
        <Skeleton rows={3} height={140} />
      )}
    </div>
  );
}

function Editor({ tenant, connection, saved }: { tenant: string; connection: string; saved: Saved }) {
  const refusal = useRefusal('tenant_admin');
  const navigate = useNavigate();
  const { lead } = useSearch({ from: '/t/$tenant/crm/$connection/mapping' });
  const schema = useQuery({ ...schemaQuery(tenant, connection), enabled: !refusal });
  const [judged, setJudged] = useState<Judged | null>(null);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const provider = providerName(saved.provider);
  const judge = (mapping: Mapping, faults: readonly Fault[]) => setJudged({ rules: write(mapping), faults });
  /** Keeps what a refusal says of rows. */
  const judgeBy = (mapping: Mapping, error: unknown) => {
    if (error instanceof Failure && error.status === 422) judge(mapping, faultsOf(error.fields));
  };
  const draft = useDraft<Saved, Mapping, Rule[]>({
    saved,
    contentOf: ({ mapping }) => mapping,
    write,
    read,
    save: async (upon, mapping, note) => {
      try {
        const next = await saveMapping(tenant, connection, upon, mapping, note);
        judge(next.mapping, next.check?.warnings ?? []);
        setOpen(new Set());
        return next;
      } catch (error) {
        judgeBy(mapping, error);
        throw error;
      }
    },
    changes: keys.mappings(tenant),
  });
  const previewing = useMutation({
    mutationFn: ({ of, mapping }: { of: string; mapping: Mapping }) =>
      preview(tenant, connection, of, mapping),
    onSuccess: ({ problems }, { mapping }) => judge(mapping, problems),
    onError: (error, { mapping }) => judgeBy(mapping, error),
  });
  const { written: rules, setWritten, base, saving } = draft;
  const known = knownOf(schema.data);
  const sections = sectionsOf(schema.data, saved.usual, rules);
  const isReadable = rules.every((rule) => faultOf(rule) === null);
  const shown = previewing.variables;
  const isStale = shown !== undefined && !(shown.of === lead && isSame(shown.mapping, draft.content));
  // What nothing fills is said where its fields are, as far as those are known.
  const elsewhere = faultsElsewhere(rules, judged).filter(
    ({ code }) => known !== 'told' || code !== 'required',
  );
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!refusal && draft.isDirty && isReadable && !saving.isPending) saving.mutate(base.version);
  };
  const check = saving.data?.check;
  // What stands at its row is not said twice.
  const isAtRows =
    saving.error instanceof Failure &&
    saving.error.status === 422 &&
    judged !== null &&
    judged.faults.length > 0 &&
    faultsElsewhere([], judged).length === 0;
  return (
    <form className={styles.columns} onSubmit={onSubmit}>
      <div className={styles.rules}>
        {!refusal && (
          <Asked
            provider={provider}
            schema={schema.data}
            error={schema.error}
            isPending={schema.isPending}
            isAsking={schema.isFetching}
            onAgain={() => void schema.refetch()}
          />
        )}
        {refusal && (
          <p className={layout.faint}>
            {refusal} Here stands what is mapped; {provider}’s own names of its fields are for who may change
            it.
          </p>
        )}
        {elsewhere.length > 0 && (
          <Note>
            <ul>
              {elsewhere.map(({ path, message }) => (
                <li key={`${path} ${message}`}>
                  <code>{path}</code> <Text>{message}</Text>
                </li>
              ))}
            </ul>
          </Note>
        )}
        {sections.map((section) => (
          <SectionCard
            key={section.name}
            section={section}
            known={known}
            provider={provider}
            judged={judged}
            open={open}
            refusal={refusal}
            onOpen={setOpen}
            onChange={(mine) =>
              setWritten([...rules.filter(({ object }) => object !== section.name), ...mine])
            }
          />
        ))}
      </div>
      <div className={styles.preview}>
        <PreviewCard
          tenant={tenant}
          provider={provider}
          lead={lead}
          refusal={refusal}
          isReadable={isReadable}
          isStale={isStale}
          previewing={previewing}
          onLead={(next) =>
            void navigate({
              to: '/t/$tenant/crm/$connection/mapping',
              params: { tenant, connection },
              search: next ? { lead: next } : {},
              replace: true,
              resetScroll: false,
              ignoreBlocker: true,
            })
          }
          onPreview={() => lead && previewing.mutate({ of: lead, mapping: draft.content })}
        />
      </div>
      <div className={styles.save}>
        <SaveBar
          draft={draft}
          refusal={refusal}
          isReadable={isReadable}
          beaten={<Beaten draft={draft} />}
          refused={isAtRows ? <MendRows /> : undefined}
          saved={
            <>
              Version {number(base.version)} is in use: leads that are sent from now on go by it.{' '}
              {check && (!check.is_asked || check.warnings.length > 0) && check.detail}{' '}
              {check && check.warnings.length > 0 && 'Some leads may not be taken: look at the marked rows.'}
            </>
          }
        />
        <History
          current={saved.version}
          versions={versionsQuery(tenant, connection)}
          diff={(from, to) => diffQuery(tenant, connection, from, to)}
          restore={(version, upon) => restoreVersion(tenant, connection, version, upon)}
          changes={keys.mappings(tenant)}
          meaning="What it says is saved as a new version and counts for leads that are sent from then on."
        />
      </div>
    </form>
  );
}

const MendRows = () => (
  <p role="alert" className={styles.fault}>
    <strong>It was not saved.</strong> Mend the rows that are marked ▲.
  </p>
);

/** Whether the CRM told its fields; where it did not, why, and what works all the same. */
function Asked({
  provider,
  schema,
  error,
  isPending,
  isAsking,
  onAgain,
}: {
  provider: string;
  schema: Schemas['ConnectionSchema'] | undefined;
  error: Error | null;
  isPending: boolean;
  isAsking: boolean;
  onAgain: () => void;
}) {
  if (isPending) {
    return (
      <p className={layout.faint} role="status">
        {provider} is asked for its fields…
      </p>
    );
  }
  const known = knownOf(schema);
  if (known === 'any')
    return <p className={layout.faint}>{provider} takes any field: name it as you like.</p>;
  const again = (
    <Button disabled={isAsking} onClick={onAgain}>
      {isAsking ? 'Asking…' : 'Ask again'}
    </Button>
  );
  if (known === 'none') {
    const why = schema?.detail ?? (error instanceof Failure ? error.detail : '');
    return (
      <Note>
        <p>
          <strong>{provider} told nothing of its fields.</strong> {why && <Text>{why}</Text>} Rows can be
          changed all the same; new fields are named by hand, and nobody looks whether {provider} takes them.
        </p>
        {schema?.answer && (
          <p>
            It answered: <Text>{schema.answer}</Text>
          </p>
        )}
        {again}
      </Note>
    );
  }
  return schema && schema.notes.length > 0 ? (
    <Note>
      <strong>Still to be done there</strong>
      <ul>
        {schema.notes.map((note) => (
          <li key={note}>
            <Text>{note}</Text>
          </li>
        ))}
      </ul>
      {again}
    </Note>
  ) : (
    <div className={styles.asked}>
      <span className={layout.faint}>{provider} told its fields.</span> {again}
    </div>
  );
}
