import type { ReactNode } from 'react';
import { useCompany } from '../../shell/company';
import styles from './page-head.module.css';

/** A page's name, also in the tab, with what can be done on it. */
export default function PageHead({
  name,
  within,
  lead,
  children,
}: {
  name: string;
  /** The page that it belongs to, for the tab's title. */
  within?: string;
  /** What the page is for, in a sentence or two. */
  lead?: ReactNode;
  children?: ReactNode;
}) {
  const company = useCompany()?.name;
  return (
    <>
      <title>{[name, within, company].filter(Boolean).join(' · ')}</title>
      <header className={styles.head}>
        <h1>
          <bdi>{name}</bdi>
        </h1>
        {children}
      </header>
      {lead && <p className={styles.lead}>{lead}</p>}
    </>
  );
}
