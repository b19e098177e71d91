import type { UseMutationResult } from '@tanstack/react-query';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Schemas } from '../../../api/client';
import { useNow, useOfficeZone } from '../../../shell/office';
import { phone, when } from '../../../text/format';
import Button from '../../../ui/button/button';
import Field, { Input, Select } from '../../../ui/field/field';
import layout from '../../../ui/layout/layout.module.css';
import Note from '../../../ui/note/note';
import Refused from '../../../ui/note/refused';
import Skeleton from '../../../ui/skeleton/skeleton';
import Text from '../../../ui/text/text';
import { usualWords } from '../fields';
import styles from '../page.module.css';
import { pathName } from '../paths';
import { lastLeadsQuery } from '../queries';

type Preview = Schemas['MappingPreview'];

/** What a push of a chosen lead would send, made by the push itself. */
export default function PreviewCard({
  tenant,
  provider,
  lead,
  refusal,
  isReadable,
  isStale,
  previewing,
  onLead,
  onPreview,
}: {
  tenant: string;
  provider: string;
  lead: string | undefined;
  refusal: string | null;
  /** Whether all rows say something. */
  isReadable: boolean;
  /** Whether the draft or the lead is another one by now. */
  isStale: boolean;
  previewing: Pick<UseMutationResult<Preview, Error, unknown>, 'data' | 'error' | 'isPending'>;
  onLead: (lead: string) => void;
  onPreview: () => void;
}) {
  const leads = useQuery(lastLeadsQuery(tenant));
  const [now, zone] = [useNow(), useOfficeZone()];
  const [other, setOther] = useState('');
  const items = leads.data ?? [];
  const named = /req_[0-9a-f]+/.exec(other)?.[0];
  return (
    <section className={layout.card} aria-labelledby="preview">
      <h2 id="preview">Exactly what would be sent</h2>
      <Field label="For the lead">
        {(props) => (
          <Select {...props} value={lead ?? ''} onChange={onLead} disabled={Boolean(refusal)}>
            <option value="">{leads.isPending ? 'Loading…' : 'Choose a lead…'}</option>
            {lead && !items.some((one) => one.request_id === lead) && (
              <option value={lead}>{lead.slice(0, 12)}…</option>
            )}
            {items.map((one) => (
              <option key={one.request_id} value={one.request_id}>
                {nameOf(one)}, {when(one.created_at, now, zone)}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <details>
        <summary>Another lead</summary>
        <div className={layout.row}>
          <Field label="Its link or id">
            {(props) => <Input {...props} value={other} onChange={setOther} autoComplete="off" />}
          </Field>
          <Button disabled={!named} onClick={() => named && onLead(named)}>
            Take it
          </Button>
        </div>
      </details>
      {leads.isError && items.length === 0 && (
        <p className={layout.faint}>The last leads cannot be read now. Name one by its link.</p>
      )}
      {leads.isSuccess && items.length === 0 && !lead && (
        <p className={layout.faint}>No lead came yet: send one, then look here what becomes of it.</p>
      )}
      <div className={layout.buttons}>
        <Button refusal={refusal} disabled={!lead || !isReadable || previewing.isPending} onClick={onPreview}>
          {previewing.isPending ? `Asking ${provider}…` : 'Show it'}
        </Button>
      </div>
      <p className={layout.faint}>
        {provider} is asked what it has; nothing is written, here or there.
        {!isReadable && ' Mend the rows first.'}
      </p>
      {previewing.isPending ? (
        <Skeleton rows={4} height={24} />
      ) : (
        <>
          <Refused error={previewing.error} what="It cannot be shown" />
          {previewing.data && <Shown of={previewing.data} isStale={isStale} provider={provider} />}
        </>
      )}
    </section>
  );
}

const nameOf = ({ contact, headline }: Schemas['RequestSummary']): string =>
  contact.name ?? (contact.phone ? phone(contact.phone) : headline);

function Shown({ of, isStale, provider }: { of: Preview; isStale: boolean; provider: string }) {
  return (
    <div className={styles.shown} data-stale={isStale || undefined}>
      {isStale && <Note>This is of what was here before. Press “Show it” again.</Note>}
      {of.error && (
        <div role="alert" className={styles.fault}>
          <strong>▲ It would get no further:</strong> <Text>{of.error}</Text>
          {of.answer && (
            <p>
              {provider} answered: <Text>{of.answer}</Text>
            </p>
          )}
        </div>
      )}
      {of.is_up_to_date && (
        <p>{provider} has all of it already: this is what a push would send that is asked for again.</p>
      )}
      {!of.is_asked && <p className={layout.faint}>{provider} told nothing of its fields.</p>}
      {of.calls.length === 0 && !of.error && <p>Nothing would be sent.</p>}
      {of.calls.length > 0 && (
        <ol className={styles.calls}>
          {of.calls.map((call, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a call is known by its place.
            <li key={at}>
              <p className={styles.call}>
                <strong>{call.method}</strong>{' '}
                <code>
                  <Text>{call.url}</Text>
                </code>
              </p>
              {call.records.map((record, nth) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a record is known by its place.
                <Record key={nth} of={record} />
              ))}
              {call.body !== null && (
                <details>
                  <summary>Letter by letter</summary>
                  <pre className={styles.body} tabIndex={-1}>
                    <Text>{JSON.stringify(call.body, null, 2)}</Text>
                  </pre>
                </details>
              )}
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

const STATES: Readonly<Record<string, string>> = {
  ok: '✓',
  coerced: '✓ as text',
  cut: '▲ cut',
  missing: '▲ no such field',
  refused: '▲ not taken',
};

function Record({ of }: { of: Schemas['PreviewRecord'] }) {
  return (
    <table className={styles.record}>
      <caption>
        <Text>{of.object}</Text>
      </caption>
      <thead className="hidden-but-read">
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Value, and what it is filled with</th>
          <th scope="col">State</th>
        </tr>
      </thead>
      <tbody>
        {of.fields.map((field) => (
          <tr key={field.name} data-mapped={field.is_mapped || undefined}>
            <th scope="row">
              <code>
                <Text>{field.name}</Text>
              </code>
            </th>
            <td>
              <Text>{textOf(field.value)}</Text>
              <div className={styles.from}>
                {field.is_mapped ? 'your row: ' : ''}
                <Text>
                  {field.is_mapped ? field.from.split(', ').map(pathName).join(', ') : usualWords(field.from)}
                </Text>
              </div>
              {field.note && (
                <div className={styles.fault}>
                  <Text>{field.note}</Text>
                </div>
              )}
            </td>
            <td>{STATES[field.state] ?? field.state}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The longest value that is shown here: the whole stands beneath, letter by letter. */
const LONGEST = 200;

function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text === '') return '(empty)';
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
