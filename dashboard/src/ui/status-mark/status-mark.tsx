import {
  CircleCheck,
  CircleDashed,
  CirclePause,
  Diamond,
  Eraser,
  LoaderCircle,
  type LucideIcon,
  MapPinOff,
  Merge,
  OctagonAlert,
  ShieldBan,
} from 'lucide-react';
import type { Schemas } from '../../api/client';
import { stageName, statusName } from '../../text/words';
import styles from './status-mark.module.css';

const SHAPES: Record<Schemas['Status'], LucideIcon> = {
  received: CircleDashed,
  processing: LoaderCircle,
  in_review: Diamond,
  held: CirclePause,
  parked: OctagonAlert,
  completed: CircleCheck,
  quarantined: ShieldBan,
  out_of_area: MapPinOff,
  merged: Merge,
  erased: Eraser,
  unrecognized: CircleDashed,
};

/** Where a lead stands, by shape, word and color together. */
export default function StatusMark({
  status,
  stage,
  isPill = false,
}: {
  status: Schemas['Status'];
  stage?: Schemas['Stage'] | null;
  isPill?: boolean;
}) {
  const Shape = SHAPES[status] ?? CircleDashed;
  const look = styles[status] ?? styles.merged;
  const word = status === 'processing' && stage ? stageName(stage) : statusName(status);
  const extra = [
    isPill ? styles.pill : '',
    status === 'processing' ? styles.turning : '',
    status === 'erased' ? styles.erased : '',
  ];
  return (
    <span className={[styles.mark, look, ...extra].filter(Boolean).join(' ')} data-status={status}>
      <Shape size={14} strokeWidth={2.25} aria-hidden />
      {word}
    </span>
  );
}
