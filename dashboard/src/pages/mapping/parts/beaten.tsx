import type { UseMutationResult } from '@tanstack/react-query';
import type { Schemas } from '../../../api/client';
import { number } from '../../../text/format';
import Button from '../../../ui/button/button';
import layout from '../../../ui/layout/layout.module.css';
import Note from '../../../ui/note/note';
import Text from '../../../ui/text/text';
import styles from '../page.module.css';
import { merge, type Rule, ruleWords, write } from '../written';

type Saved = Schemas['FieldMapping'];

/** Somebody saved meanwhile: both versions, field by field, and whose counts. */
export default function Beaten({
  draft: { base, saved, written, saving, takeTheirs, rebase },
}: {
  draft: {
    base: Saved;
    saved: Saved;
    written: readonly Rule[];
    saving: UseMutationResult<Saved, Error, number>;
    takeTheirs: () => void;
    rebase: (onto: Rule[]) => void;
  };
}) {
  const isKnown = saved.version > base.version;
  if (!isKnown) return <Note>Somebody else saved a version meanwhile. It is being read…</Note>;
  const { conflicts, both } = merge(write(base.mapping), write(saved.mapping), written);
  const wordsOf = (rule: Rule | undefined) => (rule ? ruleWords(rule) : 'No row: as usual');
  return (
    <Note>
      <p>
        {saved.author ? <Text>{saved.author}</Text> : 'Somebody else'} saved version {number(saved.version)}{' '}
        while you changed {base.version === 0 ? 'the first' : `version ${number(base.version)}`}.
        {saved.note && (
          <>
            {' '}
            They wrote: <Text>{saved.note}</Text>
          </>
        )}
      </p>
      {conflicts.length === 0 ? (
        <p>Both say the same.</p>
      ) : (
        <table className={styles.both}>
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Theirs</th>
              <th scope="col">Yours</th>
            </tr>
          </thead>
          <tbody>
            {conflicts.map(({ key, theirs, mine, isBoth }) => (
              <tr key={key}>
                <th scope="row">
                  <code>
                    <Text>{key}</Text>
                  </code>
                  {isBoth && <span className={styles.fault}> both changed it</span>}
                </th>
                <td>
                  <Text>{wordsOf(theirs)}</Text>
                </td>
                <td>
                  <Text>{wordsOf(mine)}</Text>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div className={layout.buttons}>
        <Button
          look="primary"
          onClick={() => {
            rebase(both);
            saving.reset();
          }}
        >
          Put both together
        </Button>
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
      <p className={layout.faint}>
        Together, a field that both changed is as yours; nothing is saved until you press Save.
      </p>
    </Note>
  );
}
