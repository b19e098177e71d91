import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DATES, FUNCTIONS, PHONES } from './functions';
import { OUR_FIELDS, OWN_NAMES, pathName } from './paths';

// The reference is made from the code that reads mappings: what it has, people can choose here, and nothing else.
const reference = readFileSync(join(import.meta.dirname, '../../../../docs/user/crm-integration.md'), 'utf8');

const rowsOf = (heading: string): string[][] => {
  const [, section = ''] = reference.split(`### ${heading}\n`);
  const lines = (section.split('\n### ')[0] ?? '').split('\n').filter((line) => line.startsWith('| `'));
  return lines.map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));
};
const quoted = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word ?? '');

it('offers every field of ours, with its kind and its words', () => {
  const rows = rowsOf('Paths').map(([path = '', kind = '', about = '']) => ({
    path: quoted(path)[0] ?? '',
    kind,
    words: quoted(about),
  }));
  const known = rows.filter(({ path }) => !path.endsWith('…'));
  const byPath = (one: { path: string }, other: { path: string }) => (one.path < other.path ? -1 : 1);
  const offered = OUR_FIELDS.flatMap(({ fields }) => fields).map(({ path, kind, words }) => ({
    path,
    kind,
    words: [...words],
  }));
  expect(offered.toSorted(byPath)).toEqual(known.toSorted(byPath));
  const families = rows.flatMap(({ path }) => (path.endsWith('…') ? [path.slice(0, -1)] : []));
  expect(OWN_NAMES.map(({ prefix }) => prefix)).toEqual(families);
});

it('offers every function and every form', () => {
  const rows = rowsOf('Functions').map(([name = '', argument = '']) => ({ name: quoted(name)[0], argument }));
  expect(FUNCTIONS.map(({ name }) => name).toSorted()).toEqual(rows.map(({ name }) => name));
  const formsOf = (name: string) => quoted(rows.find((row) => row.name === name)?.argument ?? '').toSorted();
  expect(Object.keys(PHONES).toSorted()).toEqual(formsOf('phone'));
  expect(Object.keys(DATES).toSorted()).toEqual(formsOf('date'));
});

it('names what a lead has under a name of its own', () => {
  expect(pathName('property.city')).toBe('Town');
  expect(pathName('answers.How did you hear of us?')).toBe('answer to “How did you hear of us?”');
  expect(pathName('attribution.utm_campaign')).toBe('“utm_campaign” of how they found us');
  expect(pathName('of.another.build')).toBe('of.another.build');
});
