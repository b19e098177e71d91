import { cloneElement, type ReactElement, type ReactNode } from 'react';
import styles from './views.module.css';

type Props = { children?: ReactNode; 'aria-current'?: 'page' | undefined };

/** Ways to look at a page, each with its own address. */
export default function Views({
  label,
  views,
}: {
  label: string;
  views: readonly { name: string; isOpen: boolean; link: ReactElement }[];
}) {
  return (
    <nav className={styles.views} aria-label={label}>
      {views.map(({ name, isOpen, link }) =>
        cloneElement(link as ReactElement<Props>, {
          key: name,
          children: name,
          'aria-current': isOpen ? 'page' : undefined,
        }),
      )}
    </nav>
  );
}
