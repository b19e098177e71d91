import { useNow, useZone } from '../../shell/office';
import { exactly, when } from '../../text/format';

/** A moment, in the office's zone; exactly on demand. */
export default function Time({ at }: { at: string }) {
  const [zone, now] = [useZone(), useNow()];
  return (
    <time dateTime={at} title={exactly(at, zone)} data-time>
      {when(at, now, zone)}
    </time>
  );
}
