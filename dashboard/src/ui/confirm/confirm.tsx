import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import Button from '../button/button';
import Field, { Input } from '../field/field';
import Modal, { modalActions } from '../modal/modal';
import Refused from '../note/refused';

/** Asks before something that cannot simply be taken back. What it does is said before the press. */
export default function Confirm({
  title,
  act,
  typed,
  onAct,
  onClose,
  children,
}: {
  title: string;
  /** What the button says. */
  act: string;
  /** What has to be typed first. */
  typed?: string;
  onAct: () => Promise<unknown>;
  onClose: () => void;
  children: ReactNode;
}) {
  const [text, setText] = useState('');
  const doing = useMutation({ mutationFn: onAct, onSuccess: onClose });
  return (
    <Modal title={title} onClose={onClose}>
      <div>{children}</div>
      {typed && (
        <Field label={`Type ${typed} to go on`}>
          {(props) => <Input {...props} value={text} onChange={setText} autoComplete="off" />}
        </Field>
      )}
      <Refused error={doing.error} />
      <div className={modalActions}>
        <Button onClick={onClose}>Cancel</Button>
        <Button
          look="primary"
          disabled={doing.isPending || (typed !== undefined && text !== typed)}
          onClick={() => doing.mutate()}
        >
          {doing.isPending ? `${act}…` : act}
        </Button>
      </div>
    </Modal>
  );
}
