import { expect, it } from 'vitest';
import { faultsAt, faultsElsewhere, faultsOf, tell } from './faults';
import { begunFor, canBeMapped, knownOf, sectionsOf, takenBy, unfilled, usualWords } from './fields';
import { type Rule, ruleFor } from './written';

const field = (part: object = {}) => ({
  name: 'kind',
  label: 'Kind',
  kind: 'enumeration',
  holds: 'choice',
  is_required: false,
  is_read_only: false,
  max_length: null,
  options: ['Kitchen', 'Bath', 'Other'],
  ...part,
});
const usual = (part: object = {}) => ({
  object: 'deals',
  field: 'amount',
  from: 'project.value, if it is an amount',
  write: 'if_empty',
  mapping: 'any',
  ...part,
});

it('has each fault at its row, until the row is changed', () => {
  const rules = [ruleFor('lead', 'contact', 'title'), ruleFor('lead', 'contact.name', 'title')];
  const [short, long] = rules as [Rule, Rule];
  const faults = faultsOf([
    { field: 'mapping.fields.lead.contact.name.then.0', message: 'one', code: 'invalid' },
    { field: 'mapping.fields.lead.contact', message: 'two' },
    { field: 'mapping.fields.lead.other', message: 'three', code: 'required' },
  ]);
  const judged = { rules, faults };
  expect(faultsAt(long, judged).map(({ message }) => message)).toEqual(['one']);
  expect(faultsAt(short, judged).map(({ message }) => message)).toEqual(['two']);
  expect(faultsAt({ ...short, path: 'note' }, judged)).toEqual([]);
  // What another kind would say is no change of it.
  expect(faultsAt({ ...short, json: '{}' }, judged)).toHaveLength(1);
  expect(faultsElsewhere(rules, judged).map(({ message }) => message)).toEqual(['three']);
  expect(faultsAt(short, null)).toEqual([]);
});

it('mends at a press what has one remedy', () => {
  const rule = ruleFor('deals', 'kind', 'project.type');
  const told = (code: string, part: object = {}, of = rule) =>
    tell({ path: 'fields.deals.kind', code, message: 'as the server says' }, of, field(part));
  expect(told('wrong_type', { holds: 'number' }).fix?.steps).toEqual([{ name: 'number', decimals: '' }]);
  expect(told('wrong_type', { holds: 'date' }).fix?.steps).toEqual([{ name: 'date', form: 'date' }]);
  expect(told('wrong_type', { holds: 'time' }).fix?.steps).toEqual([{ name: 'date', form: 'time' }]);
  expect(told('wrong_type', { holds: 'flag' }).message).toContain('yes or no');
  expect(told('options').message).toContain('“Kitchen”, “Bath” or “Other”');
  expect(told('options').fix?.steps[0]?.name).toBe('map');
  const mapped = { ...rule, steps: told('options').fix?.steps ?? [] };
  expect(told('options', {}, mapped).fix).toBeNull();
  expect(told('required').fix?.label).toBe('Say what stands in');
  expect(told('read_only')).toEqual({ message: 'as the server says', fix: null });
});

it('knows what the CRM told, and what nothing fills', () => {
  const schema = (is_told: boolean, objects: { name: string; fields: ReturnType<typeof field>[] }[]) => ({
    is_told,
    objects,
    detail: '',
    answer: null,
    notes: [],
  });
  expect(knownOf(undefined)).toBe('none');
  expect(knownOf(schema(false, []))).toBe('none');
  expect(knownOf(schema(false, [{ name: 'lead', fields: [] }]))).toBe('any');
  const deals = {
    name: 'deals',
    fields: [field({ is_required: true }), field({ name: 'amount', is_required: true })],
  };
  expect(knownOf(schema(true, [deals]))).toBe('told');
  const contact = ruleFor('contacts', 'town');
  const sections = sectionsOf(schema(true, [deals]), [usual()], [contact]);
  expect(sections.map(({ name }) => name)).toEqual(['deals', 'contacts']);
  expect(sections.map((section) => unfilled(section).map(({ name }) => name))).toEqual([['kind'], []]);
});

it('offers what may be filled, and begins with what fills it as usual', () => {
  expect(canBeMapped(field(), undefined)).toBe(true);
  expect(canBeMapped(field({ is_read_only: true }), undefined)).toBe(false);
  expect(canBeMapped(field({ holds: 'other' }), undefined)).toBe(false);
  expect(canBeMapped(field(), usual({ mapping: 'none' }))).toBe(false);
  expect(canBeMapped(field(), usual({ mapping: 'form', from: 'contact.email' }))).toBe(false);
  expect(begunFor('deals', 'amount', usual()).path).toBe('project.value');
  expect(begunFor('deals', 'own', undefined).path).toBe('');
  const phone = begunFor('contacts', 'phone', usual({ mapping: 'form', from: 'contact.phone' }));
  expect([phone.path, phone.steps]).toEqual(['contact.phone', [{ name: 'phone', form: 'national' }]]);
});

it('says in words what a field takes and what fills it', () => {
  expect(takenBy(field({ is_required: true }))).toBe('a choice, needed, one of Kitchen, Bath, Other');
  expect(usualWords('property.city')).toBe('Town');
  expect(usualWords('contact.last_name; `Unknown` where no name is known')).toBe(
    'Last name; “Unknown” where no name is known',
  );
});
