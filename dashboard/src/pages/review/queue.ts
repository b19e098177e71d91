// In which order what waits is decided about.
import type { Lead } from '../../api/client';

/** Those that still wait, in their order: what was decided here is out of it, whatever the list still says. */
export const waitingOf = (leads: readonly Lead[], decided: ReadonlySet<string>): Lead[] =>
  leads.filter((lead) => lead.status === 'in_review' && !decided.has(lead.request_id));

/** The one behind this one, from the beginning again at the end; none where it is the only one. */
export function nextOf(waiting: readonly Lead[], id: string | undefined): Lead | undefined {
  const at = waiting.findIndex((lead) => lead.request_id === id);
  const next = waiting[at + 1] ?? waiting[0];
  return next?.request_id === id ? undefined : next;
}
