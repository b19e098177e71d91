import { expect, it } from 'vitest';
import { worthKnowing } from './known';

const NOTHING = {
  flags: [],
  missing_required_fields: [],
  suspicions: [],
  normalized: { doubts: [], fields: [] },
};

it('tells what is missing first, each thing in a sentence', () => {
  expect(worthKnowing(NOTHING)).toEqual([]);
  expect(
    worthKnowing({
      ...NOTHING,
      missing_required_fields: ['budget', 'timeline', 'email'],
      flags: ['recovered'],
    }),
  ).toEqual([
    'It lacks what you want of every lead: budget, when it should start, and e-mail address.',
    'Its webhook never came: it was found at the provider, and taken.',
  ]);
});

it('says what a slip may mean', () => {
  const doubts = [{ field: 'email', code: 'domain_looks_mistyped', suggestion: 'ann@gmail.com' }];
  expect(worthKnowing({ ...NOTHING, normalized: { doubts, fields: [] } })).toEqual([
    'The e-mail address may be a slip: domain looks mistyped. It may mean ann@gmail.com.',
  ]);
});
