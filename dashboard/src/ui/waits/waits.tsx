import { Clock } from 'lucide-react';
import { useNow, useZone } from '../../shell/office';
import { exactly, waitedAbout } from '../../text/format';
import styles from './waits.module.css';

/** That a person waits for a call, and how long already. The one place of this color. */
export default function Waits({ since }: { since: string }) {
  const [now, zone] = [useNow(), useZone()];
  return (
    <span className={styles.waits} title={`Nobody called yet. It came ${exactly(since, zone)}`}>
      <Clock size={14} strokeWidth={2.25} aria-hidden />
      <span className="hidden-but-read">Waits for a call since </span>
      <time dateTime={since} data-time>
        {waitedAbout((now - Date.parse(since)) / 1000)}
      </time>
    </span>
  );
}
