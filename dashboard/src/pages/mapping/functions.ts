// What can be made of a value on its way into a CRM, in a person's words.

/** A value that the mapping says itself. It is kept as it is typed, and becomes what the field holds. */
export type Said = { text: string; as: 'text' | 'number' | 'flag' };

export type Step =
  | { name: 'label' | 'lower' | 'upper' }
  | { name: 'cut'; most: string }
  | { name: 'date' | 'phone'; form: string }
  | { name: 'join'; between: string }
  | { name: 'number'; decimals: string }
  | { name: 'default'; instead: Said }
  | {
      name: 'map';
      values: readonly { word: string; becomes: Said }[];
      otherwise: 'kept' | 'nothing' | 'instead';
      instead: Said;
    };
export type StepName = Step['name'];

/** Each function as people choose it. */
export const FUNCTIONS: readonly { name: StepName; label: string }[] = [
  { name: 'map', label: 'Replace words by others' },
  { name: 'default', label: 'Say what stands in where there is nothing' },
  { name: 'label', label: 'Make our words readable' },
  { name: 'upper', label: 'Write in capital letters' },
  { name: 'lower', label: 'Write in small letters' },
  { name: 'phone', label: 'Write as a telephone number' },
  { name: 'date', label: 'Write as a day or a time' },
  { name: 'number', label: 'Read as a number' },
  { name: 'cut', label: 'Keep only the beginning' },
  { name: 'join', label: 'Make one text of a list' },
];

/** Forms of a telephone number, by an example. */
export const PHONES: Readonly<Record<string, string>> = {
  national: '(512) 555-0142',
  dashes: '512-555-0142',
  digits: '5125550142',
  e164: '+15125550142',
};

/** Forms of a day or a time, by an example. */
export const DATES: Readonly<Record<string, string>> = {
  date: '2026-11-02',
  us_date: '11/02/2026',
  time: '2026-11-02T15:04:05Z',
  words: 'Mon 2 Nov 2026, 9:04 AM CST',
};

export const NOTHING_SAID: Said = { text: '', as: 'text' };

/** What was typed, as what a field holds: a number is one only where numbers belong. */
export function said(text: string, holds: string): Said {
  const number = Number(text);
  if (holds === 'number' && text.trim() !== '' && Number.isFinite(number) && number >= 0)
    return { text, as: 'number' };
  if (holds === 'flag' && /^(true|false)$/.test(text)) return { text, as: 'flag' };
  return { text, as: 'text' };
}

/** A function as it begins, for a value that can be these words. */
export function begun(name: StepName, words: readonly string[]): Step {
  switch (name) {
    case 'cut':
      return { name, most: '80' };
    case 'date':
      return { name, form: 'date' };
    case 'phone':
      return { name, form: 'national' };
    case 'join':
      return { name, between: ', ' };
    case 'number':
      return { name, decimals: '' };
    case 'default':
      return { name, instead: NOTHING_SAID };
    case 'map': {
      // Words that are known have rows anyway.
      const values = words.length > 0 ? [] : [{ word: '', becomes: NOTHING_SAID }];
      return { name, values, otherwise: 'kept', instead: NOTHING_SAID };
    }
    default:
      return { name };
  }
}

/** A value that a mapping says; null for what is none, and for a text of nothing, which no field here can show. */
export const readSaid = (json: unknown): Said | null => {
  if (typeof json === 'string') return json === '' ? null : { text: json, as: 'text' };
  if (typeof json === 'number') return { text: String(json), as: 'number' };
  return typeof json === 'boolean' ? { text: String(json), as: 'flag' } : null;
};

export function jsonOfSaid({ text, as }: Said): string | number | boolean {
  if (as === 'number') return Number(text);
  return as === 'flag' ? text === 'true' : text;
}

const isObject = (json: unknown): json is Record<string, unknown> =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** A function as it is written; null for one that this page has no fields for. */
export function readStep(json: unknown): Step | null {
  if (json === 'label' || json === 'lower' || json === 'upper') return { name: json };
  if (json === 'number') return { name: 'number', decimals: '' };
  if (!isObject(json) || Object.keys(json).length !== 1) return null;
  const [name, argument] = Object.entries(json)[0] ?? [];
  switch (name) {
    case 'cut':
      return typeof argument === 'number' ? { name, most: String(argument) } : null;
    case 'number':
      return typeof argument === 'number' ? { name, decimals: String(argument) } : null;
    case 'join':
      return typeof argument === 'string' ? { name, between: argument } : null;
    case 'phone':
      return typeof argument === 'string' && argument in PHONES ? { name, form: argument } : null;
    case 'date':
      return typeof argument === 'string' && argument in DATES ? { name, form: argument } : null;
    case 'default': {
      const instead = readSaid(argument);
      return instead && { name, instead };
    }
    case 'map':
      return readMap(argument);
    default:
      return null;
  }
}

function readMap(json: unknown): Step | null {
  if (!isObject(json) || !isObject(json.values)) return null;
  const values = Object.entries(json.values).flatMap(([word, value]) => {
    const becomes = readSaid(value);
    return becomes ? [{ word, becomes }] : [];
  });
  if (values.length !== Object.keys(json.values).length) return null;
  const isSaid = 'otherwise' in json && json.otherwise !== null;
  const instead = isSaid ? readSaid(json.otherwise) : NOTHING_SAID;
  if (!instead || Object.keys(json).some((key) => key !== 'values' && key !== 'otherwise')) return null;
  const otherwise = isSaid ? 'instead' : 'otherwise' in json ? 'nothing' : 'kept';
  return { name: 'map', values, otherwise, instead };
}

export function jsonOfStep(step: Step): unknown {
  switch (step.name) {
    case 'cut':
      return { cut: Number(step.most) };
    case 'number':
      return step.decimals === '' ? 'number' : { number: Number(step.decimals) };
    case 'join':
      return { join: step.between };
    case 'date':
    case 'phone':
      return { [step.name]: step.form };
    case 'default':
      return { default: jsonOfSaid(step.instead) };
    case 'map': {
      const values = Object.fromEntries(
        step.values
          .filter(({ word, becomes }) => word !== '' && becomes.text !== '')
          .map(({ word, becomes }) => [word, jsonOfSaid(becomes)]),
      );
      if (step.otherwise === 'kept') return { map: { values } };
      return { map: { values, otherwise: step.otherwise === 'nothing' ? null : jsonOfSaid(step.instead) } };
    }
    default:
      return step.name;
  }
}

/** What is still to be said of a function before it can be used; null if nothing. */
export function faultOfStep(step: Step): string | null {
  const isWhole = (text: string, least: number, most: number) =>
    /^\d+$/.test(text) && Number(text) >= least && Number(text) <= most;
  switch (step.name) {
    case 'cut':
      return isWhole(step.most, 1, 65_536) ? null : 'Say how many characters stay: 1 to 65,536.';
    case 'number':
      return step.decimals === '' || isWhole(step.decimals, 0, 6) ? null : 'Decimals are 0 to 6.';
    case 'default':
      return step.instead.text === '' ? 'Say what stands in.' : null;
    case 'map': {
      const used = step.values.filter(({ becomes }) => becomes.text !== '');
      if (used.length === 0) return 'Say for at least one word what it becomes.';
      if (used.some(({ word }) => word === '')) return 'Say which word is replaced.';
      const words = used.map(({ word }) => word.toLowerCase());
      const twice = words.find((word, at) => words.indexOf(word) !== at);
      if (twice) return `“${twice}” stands here twice: small and capital letters are the same.`;
      return step.otherwise === 'instead' && step.instead.text === ''
        ? 'Say what all other words become.'
        : null;
    }
    default:
      return null;
  }
}

/** What a function does, behind the name of a value: `in capital letters`. */
export function stepWords(step: Step): string {
  switch (step.name) {
    case 'label':
      return 'in readable words';
    case 'lower':
      return 'in small letters';
    case 'upper':
      return 'in capital letters';
    case 'cut':
      return `at most ${step.most} characters`;
    case 'join':
      return `joined by “${step.between}”`;
    case 'number':
      return 'as a number';
    case 'date':
      return `as ${DATES[step.form] ?? step.form}`;
    case 'phone':
      return `as ${PHONES[step.form] ?? step.form}`;
    case 'default':
      return `else “${step.instead.text}”`;
    case 'map': {
      const used = step.values.filter(({ becomes }) => becomes.text !== '').length;
      return used === 1 ? '1 word replaced' : `${used} words replaced`;
    }
  }
}
