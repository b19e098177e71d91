import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Config } from '../../api/config';
import { faultsOf, nameOfPlace, read, write } from './written';

const NOBODY = { spam: { review_from: 40 }, destinations: [] } as unknown as Config;

it('keeps what the page does not show, and says nobody where nobody is named', () => {
  const said = read(NOBODY, write(NOBODY));
  expect(said).toMatchObject(NOBODY);
  expect(said.notifications).toEqual({
    email: [],
    from: null,
    from_name: null,
    connection: null,
    unknown_wait_seconds: 600,
    channels: [],
  });
});

it('gives back what was said, whatever it is', () => {
  const word = fc.stringMatching(/^[a-z0-9]{1,12}$/);
  const notifications = fc.record({
    email: fc.uniqueArray(
      word.map((name) => `${name}@example.com`),
      { maxLength: 5 },
    ),
    from: fc.option(word.map((name) => `${name}@example.com`)),
    from_name: fc.option(word),
    connection: fc.option(word),
    unknown_wait_seconds: fc.nat(86_400),
    channels: fc.array(
      fc.record({ channel: word, connection: word, to: fc.option(word), shows_contact: fc.boolean() }),
      { maxLength: 4 },
    ),
  });
  fc.assert(
    fc.property(notifications, (said) => {
      const config = { ...NOBODY, notifications: said } as Config;
      expect(read(config, write(config))).toEqual(config);
    }),
  );
});

it('tells what cannot be right before it is sent', () => {
  const place = { channel: 'slack', connection: 'slack', to: 'C1', showsContact: false };
  const written = {
    ...write(NOBODY),
    email: 'sales@example.com\nann, bob@example.com',
    places: [place, { ...place, to: '' }, { ...place, to: ' C1 ', showsContact: true }],
  };
  const faults = faultsOf(written);
  expect(faults.email).toContain('“ann”');
  expect(faults.email).not.toContain('bob');
  expect(faults.places.map(Boolean)).toEqual([false, false, true]);
  expect(faultsOf(write(NOBODY))).toEqual({ places: [] });
});

it('names a place as messages do', () => {
  expect(nameOfPlace({ connection: 'slack', to: '' })).toBe('slack');
  expect(nameOfPlace({ connection: 'slack', to: 'C1' })).toBe('slack/C1');
});
