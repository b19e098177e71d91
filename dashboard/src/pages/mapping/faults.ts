// What the server and the CRM say of a mapping, at the rows that it is about.
import type { Schemas } from '../../api/client';
import { begun, NOTHING_SAID, type Step } from './functions';
import { fieldAt } from './paths';
import { isSame, jsonOf, keyOf, type Rule } from './written';

/** Something about one place of a mapping: where, of what kind, and in the server's words. */
export type Fault = { path: string; code: string; message: string };

/** What was said of rows, and the rows as they were then: of one that was changed since, nothing is known. */
export type Judged = { rules: readonly Rule[]; faults: readonly Fault[] };

const pathOf = (rule: Rule): string => `fields.${keyOf(rule)}`;

const isAt = (rule: Rule, { path }: Fault): boolean =>
  path === pathOf(rule) || path.startsWith(`${pathOf(rule)}.`);

/** The faults as a save is refused with them: their paths begin at the body. */
export const faultsOf = (fields: readonly { field: string; message: string; code?: string }[]): Fault[] =>
  fields.map(({ field, message, code }) => ({
    path: field.replace(/^mapping\.?/, ''),
    code: code ?? '',
    message,
  }));

/** What is said of a row that nobody touched since. */
export function faultsAt(rule: Rule, judged: Judged | null): Fault[] {
  const was = judged?.rules.find((one) => keyOf(one) === keyOf(rule));
  if (!judged || !was || !isSame(jsonOf(was), jsonOf(rule))) return [];
  // Names of fields may have dots: of two rows that a path begins with, it is about the longer.
  return judged.faults.filter((fault) => rowOf(judged.rules, fault) === was);
}

function rowOf(rules: readonly Rule[], fault: Fault): Rule | undefined {
  const found = rules.filter((rule) => isAt(rule, fault));
  return found.toSorted((one, other) => other.field.length - one.field.length)[0];
}

/** What is said of no row: of fields that nothing fills, and of the mapping as a whole. */
export const faultsElsewhere = (rules: readonly Rule[], judged: Judged | null): Fault[] =>
  judged?.faults.filter((fault) => !rowOf(judged.rules, fault) && !rules.some((rule) => isAt(rule, fault))) ??
  [];

/** A fault in a person's words, with what mends it at a press. */
export type Told = { message: string; fix: { label: string; steps: Step[] } | null };

const HOLDS: Readonly<Record<string, string>> = {
  number: 'a number',
  flag: 'yes or no',
  date: 'a day',
  time: 'a time',
};

/** What to tell of a fault, and how a press mends it. */
export function tell(fault: Fault, rule: Rule, field: Schemas['ConnectionField'] | undefined): Told {
  const add = (label: string, step: Step): Told['fix'] => ({ label, steps: [...rule.steps, step] });
  const words = rule.kind === 'path' ? (fieldAt(rule.path)?.words ?? []) : [];
  const holds = field?.holds ?? '';
  if (fault.code === 'wrong_type' && holds in HOLDS && rule.kind !== 'json') {
    const message = `It takes ${HOLDS[holds]}, and this is none.`;
    switch (holds) {
      case 'number':
        return { message, fix: add('Read it as a number', begun('number', [])) };
      case 'date':
        return { message, fix: add('Write it as a day', { name: 'date', form: 'date' }) };
      case 'time':
        return { message, fix: add('Write it as a time', { name: 'date', form: 'time' }) };
      default:
        return { message, fix: add('Say which words are yes', flags()) };
    }
  }
  const hasMap = rule.steps.some(({ name }) => name === 'map');
  if (fault.code === 'options' && field && !hasMap && rule.kind !== 'json') {
    const message = `It takes ${named(field.options)} alone, and this can be something else.`;
    return { message, fix: add('Match our words to its own', begun('map', words)) };
  }
  if (fault.code === 'options' && field) {
    const message = `It takes ${named(field.options)} alone: look at what each word becomes, and what all others do.`;
    return { message, fix: null };
  }
  if (fault.code === 'required' && rule.kind !== 'nothing' && rule.kind !== 'json') {
    const message = 'It must be filled, and some leads have none of this.';
    return { message, fix: add('Say what stands in', { name: 'default', instead: NOTHING_SAID }) };
  }
  return { message: fault.message, fix: null };
}

const flags = (): Step => ({
  name: 'map',
  values: [{ word: 'yes', becomes: { text: 'true', as: 'flag' } }],
  otherwise: 'instead',
  instead: { text: 'false', as: 'flag' },
});

/** Of many options so many are named. */
const MOST = 8;

function named(options: readonly string[]): string {
  const quoted = options.slice(0, MOST).map((option) => `“${option}”`);
  const others = options.length - MOST;
  if (others > 0) return `${quoted.join(', ')} and ${others} more`;
  return quoted.length > 1 ? `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}` : (quoted[0] ?? '');
}
