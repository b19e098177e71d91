import { expect, test } from 'vitest';
import { NOTHING, newSource } from './entered';

const field = (name: string) => ({
  name,
  label: name,
  help: '',
  kind: 'text' as const,
  is_required: false,
  is_secret: false,
  pattern: '',
});

test('what was left empty is left out', () => {
  const provider = { provider: 'intercom', fields: [field('secret'), field('region')] };
  expect(newSource(provider, NOTHING)).toEqual({ provider: 'intercom' });
  const blank = { ...NOTHING, fields: { secret: ' ', region: '' }, accounts: ' , ', connection: ' ' };
  expect(newSource(provider, blank)).toEqual({ provider: 'intercom' });
});

test('the secret is no setting, and ids are told apart by commas', () => {
  const provider = { provider: 'intercom', fields: [field('secret'), field('region')] };
  expect(
    newSource(provider, {
      fields: { secret: ' s3cret ', region: 'eu', of_another: 'x' },
      accounts: 'a1, b2,',
      office: 'ofc_1',
      connection: 'intercom-south ',
    }),
  ).toEqual({
    provider: 'intercom',
    secret: 's3cret',
    settings: { region: 'eu' },
    accounts: ['a1', 'b2'],
    office_id: 'ofc_1',
    connection: 'intercom-south',
  });
});
