import { expect, it } from 'vitest';
import { fieldWords } from './field-words';

const field = {
  name: 'f',
  label: 'F',
  kind: 'text',
  holds: 'text',
  is_required: false,
  is_read_only: false,
  max_length: null,
  options: [],
};

it('says what a field takes', () => {
  expect(fieldWords(field)).toBe('text');
  expect(fieldWords({ ...field, is_required: true, max_length: 1200 })).toBe(
    'text, needed, up to 1,200 characters',
  );
  expect(fieldWords({ ...field, kind: 'list', options: ['Kitchen', 'Bath'] })).toBe(
    'list, one of Kitchen, Bath',
  );
  const options = Array.from({ length: 10 }, (_, at) => `o${at}`);
  expect(fieldWords({ ...field, options })).toBe('text, one of o0, o1, o2, o3, o4, o5, o6, o7 and 2 more');
});
