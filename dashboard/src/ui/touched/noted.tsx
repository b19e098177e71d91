import { type FormEvent, useState } from 'react';
import type { Schemas } from '../../api/client';
import { touchName, touchOutcomeName } from '../../text/words';
import Button from '../button/button';
import Field, { Select, TextArea } from '../field/field';
import layout from '../layout/layout.module.css';
import Modal, { modalActions } from '../modal/modal';
import Refused from '../note/refused';

type Touch = Schemas['PostedTouch'];

const KINDS = ['call', 'text', 'email', 'visit', 'other'] as const satisfies readonly Schemas['TouchKind'][];
const OUTCOMES = [
  'reached',
  'left_message',
  'no_answer',
  'wrong_person',
] as const satisfies readonly Schemas['TouchOutcome'][];

/** A touch with all that can be said of it. */
export default function Noted({
  error,
  isPending,
  onNote,
  onClose,
}: {
  error: unknown;
  isPending: boolean;
  onNote: (touch: Touch) => void;
  onClose: () => void;
}) {
  const [kind, setKind] = useState<string>('call');
  const [outcome, setOutcome] = useState('');
  const [note, setNote] = useState('');
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    onNote({
      kind: KINDS.find((one) => one === kind) ?? 'other',
      outcome: OUTCOMES.find((one) => one === outcome) ?? null,
      note: note.trim() || null,
    });
  };
  return (
    <Modal title="You got in touch" onClose={onClose}>
      <form onSubmit={onSubmit} className={layout.form}>
        <Field label="How">
          {(props) => (
            <Select {...props} value={kind} onChange={setKind}>
              {KINDS.map((one) => (
                <option key={one} value={one}>
                  {touchName(one)}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field label="What came of it">
          {(props) => (
            <Select {...props} value={outcome} onChange={setOutcome}>
              <option value="">Not said</option>
              {OUTCOMES.map((one) => (
                <option key={one} value={one}>
                  {touchOutcomeName(one)}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field label="Note" help="What is worth knowing for whoever calls next.">
          {(props) => <TextArea {...props} rows={3} maxLength={2000} value={note} onChange={setNote} />}
        </Field>
        <Refused error={error} what="It was not noted" />
        <div className={modalActions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" disabled={isPending}>
            {isPending ? 'Noting…' : 'Note it'}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
