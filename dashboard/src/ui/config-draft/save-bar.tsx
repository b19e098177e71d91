import { useQuery } from '@tanstack/react-query';
import { diffQuery } from '../../api/config';
import { number } from '../../text/format';
import Button from '../button/button';
import Difference from '../draft/difference';
import DraftBar from '../draft/save-bar';
import layout from '../layout/layout.module.css';
import Note from '../note/note';
import Trial from './trial';
import { TRIAL_DAYS, type useConfigDraft } from './use-config-draft';

type Draft = Omit<ReturnType<typeof useConfigDraft>, 'written' | 'setWritten' | 'rebase'>;

/** Tries a draft on what came in, and saves it. */
export default function SaveBar({
  draft,
  refusal,
  isReadable,
}: {
  draft: Draft;
  refusal: string | null;
  /** Whether all that was written can be read. */
  isReadable: boolean;
}) {
  const { trying, job } = draft;
  return (
    <DraftBar
      draft={draft}
      refusal={refusal}
      isReadable={isReadable}
      error={trying.error}
      beaten={<Beaten draft={draft} />}
      saved={`Version ${number(draft.base.version)} is in use: it counts for leads that are judged from now on.`}
      tries={
        <Button refusal={refusal} disabled={trying.isPending || !isReadable} onClick={() => trying.mutate()}>
          Try it on {TRIAL_DAYS} days
        </Button>
      }
    >
      {job && <Trial tenant={draft.tenant} job={job} />}
    </DraftBar>
  );
}

/** Somebody saved meanwhile: what they changed, and whose counts. */
function Beaten({ draft }: { draft: Draft }) {
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
