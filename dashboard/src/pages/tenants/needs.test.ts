import { expect, it } from 'vitest';
import type { Needs } from '../../api/tenants';
import { needsOf } from './needs';

const NOBODY: Needs = {
  tenant_id: 'a',
  name: 'A',
  status: 'active',
  stuck: 0,
  call_now: 0,
  in_review: 0,
  refused_connections: [],
  sources_off: 0,
};

it('says what is worst first, and nothing where nobody is needed', () => {
  expect(needsOf(NOBODY)).toEqual([]);
  const all = {
    ...NOBODY,
    stuck: 1,
    call_now: 12_000,
    in_review: 3,
    refused_connections: ['hubspot', 'our-crm'],
    sources_off: 2,
  };
  expect(needsOf(all).map(({ words, look }) => [words, look])).toEqual([
    ['HubSpot refuses its secret', 'lost'],
    ['Our-crm refuses its secret', 'lost'],
    ['2 sources are off at the provider', 'lost'],
    ['1 step stuck', 'lost'],
    ['10,000+ to call', 'waits'],
    ['3 to review', 'later'],
  ]);
});
