import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useBlocker } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import type { Schemas } from '../../../api/client';
import { keys } from '../../../api/keys';
import { Failure } from '../../../api/problem';
import { saveSettings, settingsQuery, settingsSchemaQuery } from '../../../api/sources';
import { number } from '../../../text/format';
import Button from '../../../ui/button/button';
import FailureNote from '../../../ui/failure/failure';
import Field, { Input } from '../../../ui/field/field';
import layout from '../../../ui/layout/layout.module.css';
import Note from '../../../ui/note/note';
import Refused from '../../../ui/note/refused';
import { type Shape, settingsOf, shapesOf, writtenOf } from '../../../ui/schema-form/schema';
import SchemaForm from '../../../ui/schema-form/schema-form';
import Skeleton from '../../../ui/skeleton/skeleton';
import Time from '../../../ui/time/time';

type Saved = Schemas['SourceSettings'];

/** How a source's deliveries are read and let in, as its provider's schema describes it. Nothing where nothing can be set. */
export default function Settings({
  tenant,
  source,
  refusal,
}: {
  tenant: string;
  source: Schemas['Source'];
  refusal: string | null;
}) {
  const schema = useQuery(settingsSchemaQuery(source.provider));
  const saved = useQuery(settingsQuery(tenant, source.source_id));
  const shapes = schema.data ? shapesOf(schema.data) : null;
  if (shapes?.length === 0) return null;
  const error = schema.error ?? saved.error;
  return (
    <section className={layout.card} aria-labelledby="settings">
      <h2 id="settings">Settings</h2>
      {shapes && saved.data ? (
        <Form
          tenant={tenant}
          source={source.source_id}
          shapes={shapes}
          saved={saved.data}
          refusal={refusal}
        />
      ) : error ? (
        <FailureNote
          error={error}
          what="Its settings cannot be read."
          onRetry={() => void Promise.all([schema.refetch(), saved.refetch()])}
        />
      ) : (
        <Skeleton rows={4} height={48} />
      )}
    </section>
  );
}

function Form({
  tenant,
  source,
  shapes,
  saved,
  refusal,
}: {
  tenant: string;
  source: string;
  shapes: readonly Shape[];
  saved: Saved;
  refusal: string | null;
}) {
  const cache = useQueryClient();
  const [base, setBase] = useState(saved);
  const [written, setWritten] = useState(() => writtenOf(shapes, saved.settings));
  const [note, setNote] = useState('');
  const before = writtenOf(shapes, base.settings);
  const isDirty = JSON.stringify(settingsOf(shapes, written)) !== JSON.stringify(settingsOf(shapes, before));
  const takeTheirs = () => {
    setBase(saved);
    setWritten(writtenOf(shapes, saved.settings));
  };
  // Whoever has changed nothing sees what others save; whoever has is asked when they save.
  if (!isDirty && saved.version !== base.version) takeTheirs();
  useBlocker({
    shouldBlockFn: () => isDirty && !confirm('Leave without saving your changes?'),
    enableBeforeUnload: () => isDirty,
  });
  const saving = useMutation({
    mutationFn: (upon: number) =>
      saveSettings(tenant, source, upon, settingsOf(shapes, written), note.trim()),
    onSuccess: (next) => {
      setBase(next);
      setWritten(writtenOf(shapes, next.settings));
      setNote('');
    },
    onSettled: () => cache.invalidateQueries({ queryKey: keys.sources(tenant) }),
  });
  const isBeaten = saving.error instanceof Failure && [412, 428].includes(saving.error.status);
  const faultOf = (path: string) =>
    saving.error instanceof Failure
      ? saving.error.fields.find(({ field }) => field === path || field === `settings.${path}`)?.message
      : undefined;
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!refusal && isDirty && !saving.isPending) saving.mutate(base.version);
  };
  return (
    <form className={layout.form} onSubmit={onSubmit}>
      <p className={layout.faint}>
        {base.version === 0 ? (
          'These are the defaults; nobody has saved any yet.'
        ) : (
          <>
            Version {number(base.version)}
            {base.author && <> by {base.author}</>}
            {base.created_at && (
              <>
                , <Time at={base.created_at} />
              </>
            )}
            {base.note && <>: “{base.note}”</>}
          </>
        )}
      </p>
      <SchemaForm
        shapes={shapes}
        written={written}
        onChange={setWritten}
        faultOf={faultOf}
        isDisabled={Boolean(refusal)}
      />
      <Field label="Why" help="For whoever reads the history. It may be left empty.">
        {(props) => (
          <Input {...props} value={note} onChange={setNote} maxLength={500} disabled={Boolean(refusal)} />
        )}
      </Field>
      {isBeaten ? (
        <Note>
          <p>
            Somebody else saved version {number(saved.version)} while you changed version{' '}
            {number(base.version)}.
          </p>
          <div className={layout.buttons}>
            <Button
              onClick={() => {
                takeTheirs();
                saving.reset();
              }}
            >
              Take theirs
            </Button>
            <Button onClick={() => saving.mutate(saved.version)}>Save mine over it</Button>
          </div>
        </Note>
      ) : (
        <Refused error={saving.error} what="It was not saved" />
      )}
      {saving.isSuccess && !isDirty && (
        <Note look="done">Saved. Deliveries that arrive 5 seconds from now are read by it.</Note>
      )}
      <div className={layout.buttons}>
        <Button type="submit" look="primary" refusal={refusal} disabled={!isDirty || saving.isPending}>
          {saving.isPending ? 'Saving…' : 'Save'}
        </Button>
        <Button look="quiet" disabled={!isDirty} onClick={() => setWritten(before)}>
          Discard
        </Button>
      </div>
    </form>
  );
}
