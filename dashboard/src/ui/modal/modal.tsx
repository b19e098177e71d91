import { Dialog } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import shell from '../../shell/shell.module.css';
import styles from './modal.module.css';

export const modalActions = styles.actions;

/** A question or a form over the page. Escape and a press beside it close it. */
export default function Modal({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
}) {
  return (
    <Dialog.Root open onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={shell.backdrop} />
        <Dialog.Popup className={shell.dialog}>
          <div className={shell.head}>
            <Dialog.Title className={styles.title}>{title}</Dialog.Title>
            <Dialog.Close className={shell.round}>
              <X size={18} aria-hidden />
              <span className="hidden-but-read">Close</span>
            </Dialog.Close>
          </div>
          <div className={styles.body}>{children}</div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
