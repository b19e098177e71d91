import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { begun, FUNCTIONS, NOTHING_SAID, said } from './functions';
import {
  faultOf,
  type Mapping,
  merge,
  type Rule,
  read,
  readRule,
  ruleFor,
  ruleWords,
  write,
} from './written';

const mapping: Mapping = {
  fields: {
    contacts: {
      phone: { from: 'contact.phone', then: [{ phone: 'national' }] },
      state: null,
      town: 'property.city',
    },
    deals: {
      kind: {
        from: 'project.type',
        then: [{ map: { values: { kitchen: 'Kitchen remodel', bath: 2 }, otherwise: null } }],
      },
      amount: { from: 'answers.Budget?', then: ['number', { number: 2 }], write: 'always' },
      who: { concat: ['contact.first_name', { value: '&' }, { from: 'contact.last_name' }] },
      reach: { first: ['contact.phone', { from: 'contact.email', then: ['lower'] }] },
    },
  },
};

it('leaves what nobody touched as it was written, letter by letter', () => {
  expect(read(mapping, write(mapping))).toEqual(mapping);
});

it('says of each row in a line what fills it', () => {
  expect(write(mapping).map(ruleWords)).toEqual([
    'Telephone number, as (512) 555-0142',
    'Nothing: it is left out',
    'Town',
    'Kind of project, 2 words replaced',
    'answer to “Budget?”, as a number, as a number',
    'First name + “&” + Last name',
    'Written by hand',
  ]);
});

it('writes what was changed, and nothing of what another kind would say', () => {
  const changed = write(mapping).map((rule) =>
    rule.field === 'town'
      ? { ...rule, kind: 'value' as const, value: said('Austin', 'text'), write: 'always' }
      : rule,
  );
  const next = read(mapping, changed) as { fields: Record<string, Record<string, unknown>> };
  expect(next.fields.contacts?.town).toEqual({ value: 'Austin', write: 'always' });
  expect(next.fields.deals).toEqual(mapping.fields && (mapping.fields as typeof next.fields).deals);
});

it('reads as JSON what has no fields here, and gives it back', () => {
  const odd = { first: [{ concat: ['contact.name'] }], write: 'if_empty' };
  const rule = readRule('deals', 'odd', odd);
  expect(rule.kind).toBe('json');
  expect(read({}, [rule])).toEqual({ fields: { deals: { odd } } });
  for (const unread of [
    { from: 'a', value: 1 },
    { from: 'a', extra: 1 },
    { value: '' },
    { from: 'a', then: ['shout'] },
    { from: 'a', then: [{ map: { values: { a: '' } } }] },
    { from: 'a', write: 'never' },
    { from: 'a', separator: ' ' },
    { concat: [] },
    [],
    7,
  ])
    expect(readRule('deals', 'odd', unread).kind, JSON.stringify(unread)).toBe('json');
});

describe('what is still to be said', () => {
  const fault = (part: Partial<Rule>) => faultOf({ ...ruleFor('deals', 'x', 'contact.name'), ...part });
  it('is told before anything is sent', () => {
    expect(fault({})).toBeNull();
    expect(fault({ path: '' })).toContain('Choose');
    expect(fault({ path: 'answers.' })).toContain('which question');
    expect(fault({ kind: 'value' })).toContain('which words');
    expect(fault({ kind: 'first', parts: [] })).toContain('Add a part');
    expect(fault({ kind: 'json', json: '{' })).toContain('no JSON');
    expect(fault({ kind: 'nothing', path: '' })).toBeNull();
    expect(fault({ steps: [begun('map', [])] })).toContain('at least one word');
    expect(fault({ steps: [{ name: 'cut', most: '0' }] })).toContain('1 to 65,536');
    expect(fault({ steps: [begun('default', [])] })).toContain('stands in');
    const twice = ['Bath', 'bath'].map((word) => ({ word, becomes: said('B', 'text') }));
    const map = { name: 'map', values: twice, otherwise: 'kept', instead: NOTHING_SAID } as const;
    expect(fault({ steps: [map] })).toContain('twice');
  });
});

it('takes a number for one only where numbers belong', () => {
  expect(said('5', 'number').as).toBe('number');
  expect(said('5', 'text').as).toBe('text');
  expect(said('-5', 'number').as).toBe('text');
  expect(said('1.', 'number')).toEqual({ text: '1.', as: 'number' });
  expect(said('true', 'flag').as).toBe('flag');
});

it('puts two changes together, and of one field takes mine', () => {
  const base = write(mapping);
  const set = (rules: readonly Rule[], field: string, path: string) =>
    rules.map((rule) => (rule.field === field ? { ...rule, path } : rule));
  const theirs = [
    ...set(set(base, 'town', 'property.state'), 'phone', 'title'),
    ruleFor('deals', 'new', 'note'),
  ];
  const mine = set(base, 'town', 'property.street').filter(({ field }) => field !== 'state');
  const { conflicts, both } = merge(base, theirs, mine);
  expect(conflicts.map(({ key, isBoth }) => [key, isBoth])).toEqual([
    ['contacts.phone', false],
    ['contacts.state', false],
    ['contacts.town', true],
    ['deals.new', false],
  ]);
  expect(both.find(({ field }) => field === 'town')?.path).toBe('property.street');
  expect(both.find(({ field }) => field === 'phone')?.path).toBe('title');
  expect(both.some(({ field }) => field === 'state')).toBe(false);
  expect(both.some(({ field }) => field === 'new')).toBe(true);
});

it('reads again what it wrote, whatever was chosen', () => {
  const text = fc.string({ minLength: 1, maxLength: 8 }).filter((words) => words.trim() !== '');
  const value = text.map((words) => said(words, 'text'));
  const step = fc.oneof(
    fc
      .constantFrom(...FUNCTIONS.map(({ name }) => begun(name, [])))
      .filter(({ name }) => name !== 'map' && name !== 'default'),
    value.map((instead) => ({ name: 'default' as const, instead })),
    fc.record({
      name: fc.constant('map' as const),
      // Names that only look like numbers come in another order in an object.
      values: fc.uniqueArray(
        fc.record({ word: text.filter((word) => !/^\d+$/.test(word)), becomes: value }),
        { minLength: 1, maxLength: 3, selector: ({ word }) => word.toLowerCase() },
      ),
      otherwise: fc.constantFrom('kept' as const, 'nothing' as const),
      instead: fc.constant(NOTHING_SAID),
    }),
  );
  const row = fc
    .record({
      kind: fc.constantFrom('path', 'value', 'concat', 'first', 'nothing'),
      path: fc.constantFrom('contact.name', 'answers.Which?', 'tags'),
      value,
      between: text,
      write: fc.constantFrom('', 'if_empty', 'always'),
      steps: fc.array(step, { maxLength: 3 }),
    })
    .map((part) => ({ ...ruleFor('deals', 'x'), ...part }) as Rule)
    .filter((rule) => faultOf(rule) === null);
  fc.assert(
    fc.property(row, (rule) => {
      const once = read({}, [rule]);
      const again = write(once);
      expect(again.map(({ kind }) => kind)).toEqual([rule.kind]);
      expect(read({}, again)).toEqual(once);
    }),
  );
});
