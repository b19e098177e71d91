import { expect, it } from 'vitest';
import type { Config } from '../../api/config';
import { type Known, progressOf, stepsOf } from './steps';

const NOTHING: Known = {
  offices: [{ address: '', business_hours: null }],
  sources: [],
  leadProviders: new Set(['callrail']),
  leads: 0,
  config: null,
  connections: [],
  people: 1,
};
const doneOf = (known: Known) =>
  stepsOf(known)
    .filter((step) => step.isDone)
    .map((step) => step.name);

it('counts what is there, and nothing else', () => {
  expect(doneOf(NOTHING)).toEqual([]);
  expect(progressOf(stepsOf(NOTHING))).toBe('0 of 7 done, about 13 min left.');
  const config = {
    destinations: [{ connection: 'hubspot', connector: 'hubspot' }],
    notifications: { email: ['sales@example.com'] },
    service_area: { postal_codes: ['786xx'] },
  } as unknown as Config;
  const all: Known = {
    ...NOTHING,
    offices: [{ address: '1 Main St', business_hours: null }],
    sources: [{ provider: 'callrail', state: 'active' }],
    leads: 3,
    config,
    connections: [{ name: 'hubspot', state: 'active' }],
    people: 2,
  };
  expect(progressOf(stepsOf(all))).toBe('Everything is set up.');
});

it('takes no source that is off or brings no leads, and no CRM whose secret is refused', () => {
  const config = { destinations: [{ connection: 'hubspot', connector: 'hubspot' }] } as unknown as Config;
  expect(
    doneOf({
      ...NOTHING,
      config,
      sources: [
        { provider: 'sendgrid', state: 'active' },
        { provider: 'callrail', state: 'disabled' },
      ],
      connections: [{ name: 'hubspot', state: 'refused' }],
    }),
  ).toEqual([]);
});
