import type { UseMutationResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Failure } from '../../api/problem';
import { number } from '../../text/format';
import Button from '../button/button';
import Field, { Input } from '../field/field';
import layout from '../layout/layout.module.css';
import Note from '../note/note';
import Refused from '../note/refused';

type Draft = {
  base: { version: number };
  note: string;
  setNote: (note: string) => void;
  isDirty: boolean;
  saving: UseMutationResult<{ version: number }, Error, number>;
  discard: () => void;
};

/** Saves a draft as a new version, with why. */
export default function SaveBar({
  draft: { base, note, setNote, isDirty, saving, discard },
  refusal,
  isReadable,
  error = null,
  beaten,
  refused,
  saved,
  tries,
  children,
}: {
  draft: Draft;
  refusal: string | null;
  /** Whether all that was written can be read. */
  isReadable: boolean;
  /** What else failed. */
  error?: Error | null;
  /** What is shown where somebody else saved meanwhile. */
  beaten: ReactNode;
  /** What is shown of a refusal; left out: all that it says. */
  refused?: ReactNode;
  /** What a save did. */
  saved: ReactNode;
  /** Buttons before the one that saves. */
  tries?: ReactNode;
  children?: ReactNode;
}) {
  const isBeaten = saving.error instanceof Failure && saving.error.status === 412;
  return (
    <section className={layout.card} aria-label="Save">
      <Field label="Why" help="For whoever reads the history. It may be left empty.">
        {(props) => (
          <Input {...props} value={note} onChange={setNote} maxLength={500} disabled={Boolean(refusal)} />
        )}
      </Field>
      {isBeaten ? beaten : (refused ?? <Refused error={saving.error ?? error} what="It was not saved" />)}
      {children}
      <div className={layout.buttons}>
        {tries}
        <Button
          type="submit"
          look="primary"
          refusal={refusal}
          disabled={!isDirty || !isReadable || saving.isPending}
        >
          {saving.isPending ? 'Saving…' : `Save as version ${number(base.version + 1)}`}
        </Button>
        <Button look="quiet" disabled={!isDirty} onClick={discard}>
          Discard
        </Button>
      </div>
      {saving.isSuccess && !isDirty && <Note look="done">{saved}</Note>}
    </section>
  );
}
