import type { ReactNode } from 'react';
import { plain } from '../../text/words';
import Text from '../text/text';
import styles from './facts.module.css';

/** What is known of something, by name. */
export default function Facts({ children }: { children: ReactNode }) {
  return <dl className={styles.facts}>{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Names and values from outside. */
export function Pairs({ of, empty }: { of: Record<string, unknown>; empty: string }) {
  const told = Object.entries(of).filter(([, value]) => value !== null && value !== '');
  if (told.length === 0) return <p className={styles.none}>{empty}</p>;
  return (
    <Facts>
      {told.map(([name, value]) => (
        <Fact key={name} name={plain(name)}>
          <Text>{typeof value === 'string' ? value : JSON.stringify(value)}</Text>
        </Fact>
      ))}
    </Facts>
  );
}
