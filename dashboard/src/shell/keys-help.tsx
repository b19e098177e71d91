import { Dialog } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import styles from './shell.module.css';
import { GO } from './shortcuts';

const GROUPS: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    'Everywhere',
    [
      ['Ctrl K', 'search and go'],
      ['/', 'search'],
      ['y', 'copy the link'],
      ['?', 'these keys'],
      ['Esc', 'close'],
      ...Object.entries(GO).map(([key, { name }]) => [`g ${key}`, name] as const),
    ],
  ],
  [
    'Leads',
    [
      ['j k', 'next, previous'],
      ['Enter', 'open'],
      ['Space', 'peek, and close again'],
      ['n', 'take in new leads'],
    ],
  ],
  [
    'Review',
    [
      ['a', 'approve'],
      ['r', 'it is spam'],
      ['s', 'skip'],
      ['u', 'release the last spam after all'],
    ],
  ],
  [
    'Stuck',
    [
      ['j k', 'next, previous reason'],
      ['Enter', 'the fix'],
      ['d', 'redrive'],
    ],
  ],
  [
    'Quarantine',
    [
      ['j k', 'next, previous'],
      ['x', 'select'],
      ['Enter', 'open'],
    ],
  ],
  [
    'Lead',
    [
      ['J K', 'next, previous of the list'],
      ['[ ]', 'previous, next reason'],
      ['Space', 'play, and stop again'],
      ['← →', 'back, on by 5 seconds'],
      [', .', 'slower, faster'],
      ['c', 'call'],
      ['m', 'answered: note how'],
      ['a', 'approve what is in review'],
      ['r', 'it is spam'],
    ],
  ],
];

export default function KeysHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog.Root open onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup className={styles.dialog}>
          <div className={styles.head}>
            <Dialog.Title>Keys</Dialog.Title>
            <Dialog.Close className={styles.round}>
              <X size={18} aria-hidden />
              <span className="hidden-but-read">Close</span>
            </Dialog.Close>
          </div>
          <div className={styles.keys}>
            {GROUPS.map(([group, keys]) => (
              <section key={group}>
                <h2>{group}</h2>
                <dl>
                  {keys.map(([key, what]) => (
                    <div key={key} style={{ display: 'contents' }}>
                      <dt>
                        {key.split(' ').map((one) => (
                          <kbd key={one}>{one}</kbd>
                        ))}
                      </dt>
                      <dd>{what}</dd>
                    </div>
                  ))}
                </dl>
              </section>
            ))}
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
