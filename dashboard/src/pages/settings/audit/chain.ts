// Whether entries of an audit log follow each other without a gap.
import type { Schemas } from '../../../api/client';

type Entry = Schemas['AuditEntry'];

/** The first entry, from the newest on, whose predecessor is not the one that it names; null where all fit. */
export function brokenAt(newestFirst: readonly Entry[]): Entry | null {
  const at = newestFirst.findIndex((entry, index) => {
    const before = newestFirst[index + 1];
    return before !== undefined && entry.previous !== before.hash;
  });
  return newestFirst[at] ?? null;
}
