// What waits for somebody in a company, in words, with the page where it is dealt with.
import type { Filter } from '../../api/filter';
import type { Needs } from '../../api/tenants';
import { number } from '../../text/format';
import { providerName } from '../../text/words';

export type Need = {
  words: string;
  to: '/t/$tenant/stuck' | '/t/$tenant/crm' | '/t/$tenant/sources' | '/t/$tenant/leads' | '/t/$tenant/review';
  search?: Filter;
  /** Leads are lost or stand still, or a person waits for a call; the rest can wait. */
  look: 'lost' | 'waits' | 'later';
};

/** The server counts no further. */
const MOST = 10_000;
const counted = (count: number): string => (count >= MOST ? `${number(MOST)}+` : number(count));

/** What is worst comes first. */
export function needsOf(of: Needs): Need[] {
  const needs: Need[] = of.refused_connections.map((connection) => ({
    words: `${providerName(connection)} refuses its secret`,
    to: '/t/$tenant/crm',
    look: 'lost',
  }));
  if (of.sources_off > 0) {
    const sources = of.sources_off === 1 ? '1 source is' : `${counted(of.sources_off)} sources are`;
    needs.push({ words: `${sources} off at the provider`, to: '/t/$tenant/sources', look: 'lost' });
  }
  if (of.stuck > 0) {
    const steps = of.stuck === 1 ? '1 step' : `${counted(of.stuck)} steps`;
    needs.push({ words: `${steps} stuck`, to: '/t/$tenant/stuck', look: 'lost' });
  }
  if (of.call_now > 0) {
    needs.push({
      words: `${counted(of.call_now)} to call`,
      to: '/t/$tenant/leads',
      search: { needs_call: 'yes', sort: 'waiting' },
      look: 'waits',
    });
  }
  if (of.in_review > 0) {
    needs.push({ words: `${counted(of.in_review)} to review`, to: '/t/$tenant/review', look: 'later' });
  }
  return needs;
}
