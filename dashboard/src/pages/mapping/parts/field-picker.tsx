import { useState } from 'react';
import type { Schemas } from '../../../api/client';
import { number } from '../../../text/format';
import Button from '../../../ui/button/button';
import Field, { Input } from '../../../ui/field/field';
import layout from '../../../ui/layout/layout.module.css';
import Modal from '../../../ui/modal/modal';
import Text from '../../../ui/text/text';
import { canBeMapped, takenBy, usualWords } from '../fields';
import styles from '../page.module.css';

type Target = Schemas['ConnectionField'];

/** So many are shown at once: whoever looks for another writes a part of its name. */
const SHOWN = 50;

/** Which field of the CRM a row is to fill: chosen of those that the CRM tells, or written by hand. */
export default function FieldPicker({
  object,
  provider,
  fields,
  usual,
  mapped,
  onPick,
  onClose,
}: {
  object: string;
  provider: string;
  /** Those that the CRM tells; none if it tells none. */
  fields: readonly Target[];
  usual: readonly Schemas['UsualField'][];
  /** Names of those that have a row. */
  mapped: ReadonlySet<string>;
  onPick: (field: string) => void;
  onClose: () => void;
}) {
  const [sought, setSought] = useState('');
  const [written, setWritten] = useState('');
  const words = sought.trim().toLowerCase();
  const free = fields.filter((field) =>
    canBeMapped(
      field,
      usual.find((one) => one.field === field.name),
    ),
  );
  const found = free.filter(({ name, label }) => `${label} ${name}`.toLowerCase().includes(words));
  const name = written.trim();
  return (
    <Modal title={`Which field of ${object}?`} onClose={onClose}>
      <div className={layout.form}>
        {free.length > 0 && (
          <>
            <Field label="Find a field">
              {(props) => <Input {...props} type="search" value={sought} onChange={setSought} />}
            </Field>
            {found.length === 0 && (
              <p>{provider} has no such field that could be filled. Add it there, then look again.</p>
            )}
            <ul className={styles.fields}>
              {found.slice(0, SHOWN).map((field) => {
                const filled = usual.find((one) => one.field === field.name);
                const isMapped = mapped.has(field.name);
                return (
                  <li key={field.name}>
                    <button
                      type="button"
                      className={styles.pick}
                      disabled={isMapped}
                      onClick={() => onPick(field.name)}
                    >
                      <span>
                        <strong>
                          <Text>{field.label}</Text>
                        </strong>{' '}
                        <code>
                          <Text>{field.name}</Text>
                        </code>
                      </span>
                      <span className={layout.faint}>
                        <Text>{takenBy(field)}</Text>
                        {isMapped ? '. It has a row' : filled && `. As usual: ${usualWords(filled.from)}`}
                      </span>
                    </button>
                  </li>
                );
              })}
            </ul>
            {found.length > SHOWN && (
              <p className={layout.faint}>
                And {number(found.length - SHOWN)} more: write a part of the name.
              </p>
            )}
          </>
        )}
        {free.length === 0 && (
          <>
            <Field label="Its name there" help={`As ${provider} names it for programs.`}>
              {(props) => <Input {...props} value={written} onChange={setWritten} autoComplete="off" />}
            </Field>
            <div className={layout.buttons}>
              <Button disabled={name === '' || mapped.has(name)} onClick={() => onPick(name)}>
                Add it
              </Button>
            </div>
          </>
        )}
      </div>
    </Modal>
  );
}
