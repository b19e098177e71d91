import type { ReactNode } from 'react';
import styles from './note.module.css';

/** Something worth a reader's attention, told also to who does not see it. */
export default function Note({ look, children }: { look?: 'done'; children: ReactNode }) {
  return (
    <div className={[styles.note, look ? styles[look] : ''].filter(Boolean).join(' ')} role="status">
      {children}
    </div>
  );
}
