import type { Schemas } from '../../api/client';
import { plain } from '../../text/words';
import styles from './connection-state.module.css';

/** Whether a provider takes an account's secret, as far as is known. */
export default function ConnectionState({ state }: { state: Schemas['ConnectionState'] }) {
  return (
    <span data-state={state} className={styles.state}>
      {state === 'active' ? '✓ taken' : state === 'refused' ? '✕ secret refused' : plain(state)}
    </span>
  );
}
