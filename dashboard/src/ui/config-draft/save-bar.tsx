import { useQuery } from '@tanstack/react-query';
import { diffQuery } from '../../api/config';
import { Failure } from '../../api/problem';
import { number } from '../../text/format';
import Button from '../button/button';
import Field, { Input } from '../field/field';
import layout from '../layout/layout.module.css';
import Note from '../note/note';
import Refused from '../note/refused';
import Difference from './difference';
import Trial from './trial';
import { TRIAL_DAYS, type useConfigDraft } from './use-config-draft';

/** Tries a draft on what came in, and saves it. */
export default function SaveBar({
  draft,
  refusal,
  isReadable,
}: {
  draft: Omit<ReturnType<typeof useConfigDraft>, 'written' | 'setWritten'>;
  refusal: string | null;
  /** Whether all that was written can be read. */
  isReadable: boolean;
}) {
  const { base, saving, trying, job, isDirty } = draft;
  const isBeaten = saving.error instanceof Failure && saving.error.status === 412;
  return (
    <section className={layout.card} aria-label="Save">
      <Field label="Why" help="For whoever reads the history. It may be left empty.">
        {(props) => <Input {...props} value={draft.note} onChange={draft.setNote} maxLength={500} />}
      </Field>
      {isBeaten ? (
        <Beaten draft={draft} />
      ) : (
        <Refused error={saving.error ?? trying.error} what="It was not saved" />
      )}
      {job && <Trial tenant={draft.tenant} job={job} />}
      <div className={layout.buttons}>
        <Button refusal={refusal} disabled={trying.isPending || !isReadable} onClick={() => trying.mutate()}>
          Try it on {TRIAL_DAYS} days
        </Button>
        <Button
          type="submit"
          look="primary"
          refusal={refusal}
          disabled={!isDirty || !isReadable || saving.isPending}
        >
          {saving.isPending ? 'Saving…' : `Save as version ${number(base.version + 1)}`}
        </Button>
        <Button look="quiet" disabled={!isDirty} onClick={draft.discard}>
          Discard
        </Button>
      </div>
      {saving.isSuccess && !isDirty && (
        <Note look="done">
          Version {number(base.version)} is in use: it counts for leads that are judged from now on.
        </Note>
      )}
    </section>
  );
}

/** Somebody saved meanwhile: what they changed, and whose counts. */
function Beaten({ draft }: { draft: Omit<ReturnType<typeof useConfigDraft>, 'written' | 'setWritten'> }) {
  const [seen, current] = [draft.base.version, draft.saved.version];
  const isKnown = current > seen;
  const diff = useQuery({
    ...diffQuery(draft.tenant, draft.office, Math.max(1, seen), current),
    enabled: isKnown,
  }).data;
  return (
    <Note>
      <p>
        Somebody else saved {isKnown ? `version ${number(current)}` : 'a version'} while you changed version{' '}
        {number(seen)}.{diff && ' They changed:'}
      </p>
      {diff && <Difference items={diff.items} />}
      <div className={layout.buttons}>
        <Button
          disabled={!isKnown}
          onClick={() => {
            draft.takeTheirs();
            draft.saving.reset();
          }}
        >
          Take theirs
        </Button>
        <Button disabled={!isKnown} onClick={() => draft.saving.mutate(current)}>
          Save mine over it
        </Button>
      </div>
    </Note>
  );
}
