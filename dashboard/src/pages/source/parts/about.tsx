import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useBlocker } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import type { Schemas } from '../../../api/client';
import { keys } from '../../../api/keys';
import { Failure } from '../../../api/problem';
import { officesQuery } from '../../../api/queries';
import { changeSource } from '../../../api/sources';
import { providerName } from '../../../text/words';
import Button from '../../../ui/button/button';
import Field, { Input, Select } from '../../../ui/field/field';
import layout from '../../../ui/layout/layout.module.css';
import Note from '../../../ui/note/note';
import Refused from '../../../ui/note/refused';
import Text from '../../../ui/text/text';
import { changeOf, differences, writtenOf } from './change';

type Source = Schemas['Source'];

/** What a source is called, and whose its leads are. */
export default function About({
  tenant,
  source,
  refusal,
}: {
  tenant: string;
  source: Source;
  refusal: string | null;
}) {
  const cache = useQueryClient();
  const offices = useQuery(officesQuery(tenant)).data?.items ?? [];
  const [base, setBase] = useState(source);
  const [written, setWritten] = useState(() => writtenOf(source));
  const change = changeOf(base, written);
  const isDirty = Object.keys(change).length > 0;
  const take = (saved: Source) => {
    setBase(saved);
    setWritten(writtenOf(saved));
  };
  // Whoever has changed nothing sees what others save; whoever has is asked when they save.
  if (!isDirty && source.version > base.version) take(source);
  useBlocker({
    shouldBlockFn: () => isDirty && !confirm('Leave without saving your changes?'),
    enableBeforeUnload: () => isDirty,
  });
  const saving = useMutation({
    mutationFn: (upon: Source) =>
      changeSource(tenant, source.source_id, upon.version, changeOf(upon, written)),
    onSuccess: take,
    onSettled: () => cache.invalidateQueries({ queryKey: keys.sources(tenant) }),
  });
  const isBeaten = saving.error instanceof Failure && [412, 428].includes(saving.error.status);
  const faultOf = (path: string) =>
    saving.error instanceof Failure
      ? saving.error.fields.find(({ field }) => field === path || field.startsWith(`${path}.`))?.message
      : undefined;
  const set = (next: Partial<typeof written>) => setWritten({ ...written, ...next });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!refusal && isDirty && !saving.isPending) saving.mutate(base);
  };
  const first = offices[0]?.name;
  const officeName = (id: string) =>
    offices.find((one) => one.office_id === id)?.name ?? (first ? `the first: ${first}` : 'the first');
  return (
    <section className={layout.card} aria-labelledby="about">
      <h2 id="about">Name and office</h2>
      <form className={layout.form} onSubmit={onSubmit}>
        <Field
          label="Name"
          error={faultOf('name')}
          help={`What tells it from others. Left empty, it is called ${providerName(source.provider)}.`}
        >
          {(props) => (
            <Input
              {...props}
              value={written.name}
              onChange={(name) => set({ name })}
              maxLength={100}
              disabled={Boolean(refusal)}
            />
          )}
        </Field>
        <Field
          label="Office"
          error={faultOf('office_id')}
          help="Leads that come from now on belong to it. Those that are there stay with theirs."
        >
          {(props) => (
            <Select
              {...props}
              value={written.office}
              onChange={(office) => set({ office })}
              disabled={Boolean(refusal)}
            >
              <option value="">The first{first && `: ${first}`}</option>
              {offices.map((one) => (
                <option key={one.office_id} value={one.office_id}>
                  {one.name}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field
          label="Account IDs"
          error={faultOf('accounts')}
          help="The company’s ids at the provider, with a comma between them. A delivery that names another one is kept for a person. Left empty, any is taken."
        >
          {(props) => (
            <Input
              {...props}
              value={written.accounts}
              onChange={(accounts) => set({ accounts })}
              disabled={Boolean(refusal)}
              spellCheck={false}
            />
          )}
        </Field>
        {isBeaten && source.version > base.version ? (
          <Note>
            <p>Somebody else changed this source while you did.</p>
            <ul>
              {differences(source, written, officeName).map(({ field, theirs, mine }) => (
                <li key={field}>
                  {field}: theirs is “<Text>{theirs}</Text>”, yours is “<Text>{mine}</Text>”
                </li>
              ))}
            </ul>
            <div className={layout.buttons}>
              <Button
                onClick={() => {
                  take(source);
                  saving.reset();
                }}
              >
                Take theirs
              </Button>
              <Button onClick={() => saving.mutate(source)}>Save mine over it</Button>
            </div>
          </Note>
        ) : (
          <Refused error={saving.error} what="It was not saved" />
        )}
        {saving.isSuccess && !isDirty && <Note look="done">Saved. It counts within 5 seconds.</Note>}
        <div className={layout.buttons}>
          <Button type="submit" look="primary" refusal={refusal} disabled={!isDirty || saving.isPending}>
            {saving.isPending ? 'Saving…' : 'Save'}
          </Button>
          <Button look="quiet" disabled={!isDirty} onClick={() => setWritten(writtenOf(base))}>
            Discard
          </Button>
        </div>
      </form>
    </section>
  );
}
