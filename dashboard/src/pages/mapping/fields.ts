// A CRM's fields, as far as anybody knows them.
import type { Schemas } from '../../api/client';
import { fieldWords } from '../crm/parts/field-words';
import { fieldAt, OUR_FIELDS } from './paths';
import { type Rule, ruleFor } from './written';

type Field = Schemas['ConnectionField'];
type Usual = Schemas['UsualField'];

/** What is known of the CRM's fields: it told them, it takes any, or nobody knows. */
export type Known = 'told' | 'any' | 'none';

export function knownOf(schema: Schemas['ConnectionSchema'] | undefined): Known {
  if (schema?.is_told) return 'told';
  return schema && schema.objects.length > 0 ? 'any' : 'none';
}

/** Kinds of record with what is said of them, in the order in which people read them. */
export type Section = {
  name: string;
  fields: readonly Field[];
  usual: readonly Usual[];
  rules: readonly Rule[];
};

export function sectionsOf(
  schema: Schemas['ConnectionSchema'] | undefined,
  usual: readonly Usual[],
  rules: readonly Rule[],
): Section[] {
  const objects = schema?.objects ?? [];
  const names = [
    ...objects.map(({ name }) => name),
    ...usual.map(({ object }) => object),
    ...rules.map(({ object }) => object),
  ];
  return [...new Set(names)].map((name) => ({
    name,
    fields: objects.find((one) => one.name === name)?.fields ?? [],
    usual: usual.filter(({ object }) => object === name),
    rules: rules.filter(({ object }) => object === name),
  }));
}

/** Whether a row may fill it: neither the CRM alone does, nor is a lead known by it. */
export const canBeMapped = (field: Field, usual: Usual | undefined): boolean =>
  !field.is_read_only && field.holds !== 'other' && usual?.mapping !== 'none' && isChangeable(usual);

/** Of what people are found by, only a telephone number has another form. */
const isChangeable = (usual: Usual | undefined): boolean =>
  usual?.mapping !== 'form' || usual.from === 'contact.phone';

export const usualCanBeMapped = (usual: Usual): boolean => usual.mapping !== 'none' && isChangeable(usual);

/** A row for a field that has none: it begins with the field of ours that fills it as usual, if one does. */
export function begunFor(object: string, field: string, usual: Usual | undefined): Rule {
  const words = usual?.from.split(/[\s,;]/) ?? [];
  const rule = ruleFor(object, field, fieldAt(words[0] ?? '')?.path);
  return usual?.mapping === 'form' ? { ...rule, steps: [{ name: 'phone', form: 'national' }] } : rule;
}

/** Fields without which the CRM makes no record, and that nothing fills. */
export const unfilled = ({ fields, usual, rules }: Section): Field[] =>
  fields.filter(
    ({ name, is_required, is_read_only }) =>
      is_required &&
      !is_read_only &&
      !usual.some(({ field }) => field === name) &&
      !rules.some(({ field }) => field === name),
  );

const HOLDS: Readonly<Record<string, string>> = {
  flag: 'yes or no',
  date: 'a day',
  time: 'a time',
  number: 'a number',
  choice: 'a choice',
  choices: 'several choices',
};

/** What a field takes, for people: `a choice, one of Kitchen, Bath`. */
export const takenBy = (field: Field): string =>
  fieldWords({ ...field, kind: HOLDS[field.holds] ?? field.holds });

const DOTTED = OUR_FIELDS.flatMap(({ fields }) => fields).filter(({ path }) => path.includes('.'));

/** What fills a field as usual, with our fields by the names that people read. */
export function usualWords(from: string): string {
  const whole = fieldAt(from);
  if (whole) return whole.name;
  const words = DOTTED.reduce((said, { path, name }) => said.replaceAll(path, within(name)), from);
  return (words.charAt(0).toUpperCase() + words.slice(1)).replace(/`([^`]*)`/g, '“$1”');
}

/** A name within a sentence; one that is an abbreviation stays as it is. */
const within = (name: string): string =>
  /^[A-Z]{2}/.test(name) ? name : name.charAt(0).toLowerCase() + name.slice(1);
