import { CircleCheck, CircleDashed, CirclePause, type LucideIcon, OctagonAlert } from 'lucide-react';
import type { Schemas } from '../../api/client';
import { healthName } from '../../text/words';
import styles from './health.module.css';

const SHAPES: Record<Schemas['HealthState'], LucideIcon> = {
  healthy: CircleCheck,
  quiet: CircleDashed,
  failing: OctagonAlert,
  off_at_provider: CirclePause,
};

/** How a source is, by shape, word and color together. */
export default function Health({ state }: { state: Schemas['HealthState'] }) {
  const Shape = SHAPES[state] ?? CircleDashed;
  return (
    <span className={styles.health} data-state={state}>
      <Shape size={14} strokeWidth={2.25} aria-hidden />
      {healthName(state)}
    </span>
  );
}
