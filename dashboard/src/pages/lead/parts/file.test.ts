import { expect, it } from 'vitest';
import type { Schemas } from '../../../api/client';
import { filesOf, missing, reading, savedName, valuesOf } from './file';

const told: Schemas['FormDocument'] = {
  field: 'photo',
  name: 'a.pdf',
  kind: 'application/pdf',
  bytes: 9,
  sha256: '00',
};
const kept = (over: Partial<Schemas['KeptDocument']>): Schemas['KeptDocument'] => ({
  ...told,
  is_kept: true,
  reading: { state: 'off' },
  ...over,
});

it('puts what became of a file beside what was told of it', () => {
  const files = filesOf({ 'part-1': told, 'part-2': told }, { 'part-2': kept({}) });
  expect(files.map(({ id, kept: of }) => [id, of?.is_kept])).toEqual([
    ['part-1', undefined],
    ['part-2', true],
  ]);
  expect(filesOf({ 'part-1': told }, null)[0]?.kept).toBeNull();
});

it('says why a file cannot be had', () => {
  expect(missing(kept({}), false)).toBeNull();
  expect(missing(null, true)).toContain('in a moment');
  expect(missing(null, false)).toContain('removed');
  expect(missing(kept({ is_kept: false }), true)).toContain('removed');
});

it('says whether it was read, and why not', () => {
  const of = (state: Schemas['DocumentReading']) => reading(kept({ reading: state }));
  expect(reading(null)).toBeNull();
  expect(of({ state: 'off' })).toBeNull();
  expect(of({ state: 'read', by: 'form_parser', pages: 1, values: [] })).toBe('1 page was read.');
  expect(of({ state: 'read', by: 'form_parser', pages: 2, values: [] })).toBe('2 pages were read.');
  expect(of({ state: 'failed', reason: 'it has too many pages' })).toContain('it has too many pages');
  expect(of({ state: 'unsupported' })).toContain('type');
  expect(of({ state: 'suspected' })).toContain('spam');
});

it('takes of what was read what has a name, whatever else there is', () => {
  const values = [{ name: 'ZIP', value: '78664', percent_sure: 9 }, null, 'x', { name: 'alone' }];
  expect(valuesOf(kept({ reading: { state: 'read', by: 'extractor', pages: 1, values } }))).toEqual({
    ZIP: '78664',
  });
  expect(valuesOf(kept({}))).toEqual({});
});

it('saves a file under the name that the server made harmless', () => {
  expect(savedName('attachment; filename="kitchen_plan.pdf"')).toBe('kitchen_plan.pdf');
  expect(savedName(null)).toBe('document.bin');
});
