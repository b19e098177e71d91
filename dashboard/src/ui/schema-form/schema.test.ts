import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Schema, settingsOf, shapesOf, writtenOf } from './schema';

const SCHEMA: Schema = {
  properties: {
    domains: { type: 'array', default: [], items: { type: 'string' } },
    quarantine_from: { type: 'integer', default: 60, minimum: 0, maximum: 1000 },
    thank_you_url: { type: ['string', 'null'], maxLength: 500, pattern: '^https://.+$' },
    consent_text: { type: ['string', 'null'], maxLength: 2000 },
    bot_check: {
      type: ['object', 'null'],
      required: ['service'],
      properties: {
        service: { type: 'string', enum: ['turnstile', 'recaptcha'] },
        min_score: { type: ['number', 'null'], minimum: 0, maximum: 1 },
      },
    },
    mapping: { type: 'object', properties: { zip: { type: 'array', items: { type: 'string' } } } },
  },
};

it('reads what a person can fill in from a schema', () => {
  const shapes = shapesOf(SCHEMA);
  expect(shapes.map(({ name, kind, isOptional }) => [name, kind, isOptional])).toEqual([
    ['domains', 'lines', false],
    ['quarantine_from', 'number', false],
    ['thank_you_url', 'text', true],
    ['consent_text', 'text', true],
    ['bot_check', 'group', true],
    ['mapping', 'group', true],
  ]);
  const check = shapes[4];
  expect(check?.kind === 'group' && check.fields[0]).toMatchObject({
    kind: 'choice',
    options: ['turnstile', 'recaptcha'],
    isOptional: false,
  });
  expect(shapes[3]).toMatchObject({ isLong: true });
});

it('gives settings back as they were, whatever they are', () => {
  const shapes = shapesOf(SCHEMA);
  const line = fc.stringMatching(/^[a-z0-9.-]{1,20}$/);
  const settings = fc.record(
    {
      domains: fc.array(line, { maxLength: 5 }),
      quarantine_from: fc.integer({ min: 0, max: 1000 }),
      thank_you_url: line,
      bot_check: fc.record({ service: fc.constantFrom('turnstile', 'recaptcha') }),
      mapping: fc.record({ zip: fc.array(line, { minLength: 1, maxLength: 3 }) }),
    },
    { requiredKeys: ['domains', 'quarantine_from'] },
  );
  fc.assert(
    fc.property(settings, (said) => {
      expect(settingsOf(shapes, writtenOf(shapes, said))).toEqual(said);
    }),
  );
});

it('leaves out what is empty, and a check that nobody wants', () => {
  const shapes = shapesOf(SCHEMA);
  const shown = writtenOf(shapes, { domains: [], quarantine_from: 60, bot_check: null, thank_you_url: null });
  expect(shown).toMatchObject({ bot_check: null, thank_you_url: '' });
  expect(settingsOf(shapes, { ...shown, domains: ' a.example \n\n b.example ' })).toEqual({
    domains: ['a.example', 'b.example'],
    quarantine_from: 60,
  });
});
