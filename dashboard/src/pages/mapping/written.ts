// A field mapping as rows that a person fills in, and back.
import {
  faultOfStep,
  jsonOfSaid,
  jsonOfStep,
  NOTHING_SAID,
  readSaid,
  readStep,
  type Said,
  type Step,
  stepWords,
} from './functions';
import { OWN_NAMES, pathName } from './paths';

export type Mapping = { [name: string]: unknown };

/** A part of a value that is made of several. */
export type Part = { kind: 'path'; path: string } | { kind: 'value'; value: Said };

/**
 * What fills a field: a field of ours (`path`), words of one's own (`value`), several together (`concat`), the first of
 * several that is there (`first`), nothing, or what only somebody who writes JSON can say.
 */
export type Kind = 'path' | 'value' | 'concat' | 'first' | 'nothing' | 'json';

/** A row. What another kind would say is kept while one is tried. */
export type Rule = {
  object: string;
  field: string;
  kind: Kind;
  path: string;
  value: Said;
  parts: readonly Part[];
  between: string;
  steps: readonly Step[];
  /** When it is written; empty: as usual. */
  write: string;
  json: string;
};

/** Where a mapping has the functions. */
const STEPS = 'then';

export const ruleFor = (object: string, field: string, path = ''): Rule => ({
  object,
  field,
  kind: 'path',
  path,
  value: NOTHING_SAID,
  parts: [
    { kind: 'path', path: 'contact.first_name' },
    { kind: 'path', path: 'contact.last_name' },
  ],
  between: ' ',
  steps: [],
  write: '',
  json: '',
});

const isObject = (json: unknown): json is Record<string, unknown> =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** What is said of a field, as a row. */
export function readRule(object: string, field: string, json: unknown): Rule {
  const rule = ruleFor(object, field);
  if (json === null) return { ...rule, kind: 'nothing' };
  return (
    readExpression(rule, typeof json === 'string' ? { from: json } : json) ?? {
      ...rule,
      kind: 'json',
      json: JSON.stringify(json, null, 2),
    }
  );
}

function readExpression(rule: Rule, json: unknown): Rule | null {
  if (!isObject(json)) return null;
  const { from, value, concat, first, separator, then, write, ...more } = json;
  const steps = readAll(then ?? [], readStep);
  const sources = [from, value, concat, first].filter((one) => one !== undefined);
  if (!steps || sources.length !== 1 || Object.keys(more).length > 0) return null;
  if (write !== undefined && write !== 'if_empty' && write !== 'always') return null;
  if (separator !== undefined && (concat === undefined || typeof separator !== 'string')) return null;
  const said: Rule = { ...rule, steps, write: write ?? '' };
  if (typeof from === 'string') return { ...said, path: from };
  const text = readSaid(value);
  if (text) return { ...said, kind: 'value', value: text };
  const parts = readAll(concat ?? first, readPart);
  if (!parts || parts.length === 0) return null;
  return { ...said, kind: concat ? 'concat' : 'first', parts, between: separator ?? ' ' };
}

function readAll<T>(json: unknown, read: (json: unknown) => T | null): T[] | null {
  if (!Array.isArray(json)) return null;
  const all = json.map(read).filter((one) => one !== null);
  return all.length === json.length ? all : null;
}

function readPart(json: unknown): Part | null {
  if (typeof json === 'string') return { kind: 'path', path: json };
  if (!isObject(json) || Object.keys(json).length !== 1) return null;
  if (typeof json.from === 'string') return { kind: 'path', path: json.from };
  const value = readSaid(json.value);
  return value && { kind: 'value', value };
}

/** All rows of a mapping, in its order. */
export function write({ fields }: Mapping): Rule[] {
  return Object.entries(isObject(fields) ? fields : {}).flatMap(([object, rules]) =>
    Object.entries(isObject(rules) ? rules : {}).map(([field, json]) => readRule(object, field, json)),
  );
}

/** The rows as a mapping. What nobody touched stays as it was written, letter by letter. */
export function read(before: Mapping, rules: readonly Rule[]): Mapping {
  const fields: Record<string, Record<string, unknown>> = {};
  for (const rule of rules) {
    const said = saidOf(before, rule.object, rule.field);
    const isAsBefore = said !== undefined && isSame(readRule(rule.object, rule.field, said), rule);
    const object = fields[rule.object] ?? {};
    object[rule.field] = isAsBefore ? said : jsonOf(rule);
    fields[rule.object] = object;
  }
  return { ...before, fields };
}

/** What a mapping says of a field; undefined if nothing, null if it takes it away. */
function saidOf({ fields }: Mapping, object: string, field: string): unknown {
  const rules = isObject(fields) ? fields[object] : undefined;
  return isObject(rules) ? rules[field] : undefined;
}

export const isSame = (one: unknown, other: unknown): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

/** A row as the mapping says it. JSON that cannot be read is nothing: `faultOf` tells it before. */
export function jsonOf(rule: Rule): unknown {
  const then = rule.steps.length > 0 && { [STEPS]: rule.steps.map(jsonOfStep) };
  const when = rule.write !== '' && { write: rule.write };
  switch (rule.kind) {
    case 'nothing':
      return null;
    case 'json':
      return parsed(rule.json) ?? null;
    case 'path':
      return { from: rule.path, ...then, ...when };
    case 'value':
      return { value: jsonOfSaid(rule.value), ...then, ...when };
    case 'concat':
      return { concat: rule.parts.map(jsonOfPart), separator: rule.between, ...then, ...when };
    case 'first':
      return { first: rule.parts.map(jsonOfPart), ...then, ...when };
  }
}

const jsonOfPart = (part: Part): unknown =>
  part.kind === 'path' ? part.path : { value: jsonOfSaid(part.value) };

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What is still to be said in a row before it can be sent; null if nothing. */
export function faultOf(rule: Rule): string | null {
  if (rule.kind === 'nothing') return null;
  if (rule.kind === 'json')
    return parsed(rule.json) === undefined ? 'This is no JSON: look for a missing quote or brace.' : null;
  const parts: readonly Part[] =
    rule.kind === 'path'
      ? [{ kind: 'path', path: rule.path }]
      : rule.kind === 'value'
        ? [{ kind: 'value', value: rule.value }]
        : rule.parts;
  for (const part of parts) {
    if (part.kind === 'path' && part.path === '') return 'Choose one of our fields.';
    if (part.kind === 'value' && part.value.text === '') return 'Say which words stand there.';
    const own = part.kind === 'path' && OWN_NAMES.find(({ prefix }) => prefix === part.path);
    if (own) return `Say which: ${own.asks.toLowerCase()}.`;
  }
  if (parts.length === 0) return 'Add a part.';
  return rule.steps.map(faultOfStep).find((fault) => fault !== null) ?? null;
}

/** What fills a field, in a line: `Town, in capital letters`. */
export function ruleWords(rule: Rule): string {
  const then = rule.steps.map(stepWords);
  switch (rule.kind) {
    case 'nothing':
      return 'Nothing: it is left out';
    case 'json':
      return 'Written by hand';
    case 'path':
      return [nameOf(rule.path), ...then].join(', ');
    case 'value':
      return [`“${rule.value.text}”`, ...then].join(', ');
    case 'concat':
      return [rule.parts.map(partName).join(' + '), ...then].join(', ');
    case 'first':
      return [rule.parts.map(partName).join(', else '), ...then].join(', ');
  }
}

const partName = (part: Part): string => (part.kind === 'path' ? nameOf(part.path) : `“${part.value.text}”`);

const nameOf = (path: string): string => (path === '' ? 'Not chosen yet' : pathName(path));

/** What tells a row from another. */
export const keyOf = ({ object, field }: Pick<Rule, 'object' | 'field'>): string => `${object}.${field}`;

/** A field of which two versions say something else than the one both began with. */
export type Conflict = { key: string; theirs: Rule | undefined; mine: Rule | undefined; isBoth: boolean };

/** What two people changed at once, and all of it together: where both changed a field, mine. */
export function merge(
  base: readonly Rule[],
  theirs: readonly Rule[],
  mine: readonly Rule[],
): { conflicts: Conflict[]; both: Rule[] } {
  const [was, they, me] = [byKey(base), byKey(theirs), byKey(mine)];
  const conflicts: Conflict[] = [];
  const both: Rule[] = [];
  for (const key of new Set([...they.keys(), ...was.keys(), ...me.keys()])) {
    const [before, their, my] = [was.get(key), they.get(key), me.get(key)];
    const didThey = !isSame(before, their);
    const didI = !isSame(before, my);
    if (didThey || didI) conflicts.push({ key, theirs: their, mine: my, isBoth: didThey && didI });
    const counts = didI ? my : their;
    if (counts) both.push(counts);
  }
  return { conflicts: conflicts.filter(({ theirs, mine }) => !isSame(theirs, mine)), both };
}

const byKey = (rules: readonly Rule[]): Map<string, Rule> =>
  new Map(rules.map((rule) => [keyOf(rule), rule]));
