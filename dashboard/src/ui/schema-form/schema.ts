// Settings as their JSON Schema describes them, as fields that a person fills in, and back.

/** What of a schema is understood. */
export type Schema = {
  type?: string | readonly string[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  items?: Schema;
  default?: unknown;
  enum?: readonly unknown[];
  pattern?: string;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
};

type Named = { name: string; help: string; isOptional: boolean };
export type Shape = Named &
  (
    | { kind: 'text'; isLong: boolean; maxLength: number | undefined }
    | { kind: 'number'; isWhole: boolean; min: number | undefined; max: number | undefined }
    | { kind: 'yes-no' }
    | { kind: 'choice'; options: readonly string[] }
    | { kind: 'lines' }
    | { kind: 'group'; fields: readonly Shape[] }
  );

/** As it is written: texts, a line for each of a list; null for what is left out. */
export type Written = { [name: string]: string | Written | null };

/** Texts longer than this get more than a line. */
const LONG = 300;

export function shapesOf(schema: Schema): Shape[] {
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).flatMap(([name, one]): Shape[] => {
    const types = [one.type ?? []].flat();
    const named = {
      name,
      help: one.description ?? '',
      isOptional: types.includes('null') || (!required.has(name) && one.default === undefined),
    };
    if (types.includes('object')) return [{ ...named, kind: 'group', fields: shapesOf(one) }];
    if (types.includes('array')) return [{ ...named, kind: 'lines' }];
    if (types.includes('boolean')) return [{ ...named, kind: 'yes-no' }];
    if (types.includes('number') || types.includes('integer')) {
      const isWhole = types.includes('integer');
      return [{ ...named, kind: 'number', isWhole, min: one.minimum, max: one.maximum }];
    }
    const options = one.enum?.filter((word) => word !== null).map(String);
    if (options) return [{ ...named, kind: 'choice', options }];
    const isLong = (one.maxLength ?? 0) > LONG && !one.pattern?.startsWith('^https');
    return [{ ...named, kind: 'text', isLong, maxLength: one.maxLength }];
  });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Settings as they are shown to be changed. */
export function writtenOf(shapes: readonly Shape[], settings: unknown): Written {
  const of = isObject(settings) ? settings : {};
  return Object.fromEntries(
    shapes.map((shape) => {
      const value = of[shape.name];
      if (shape.kind === 'group') {
        // One that may be left out is there only if it was said; another always is.
        const isThere = isObject(value) || !shape.isOptional;
        return [shape.name, isThere ? writtenOf(shape.fields, value) : null];
      }
      if (Array.isArray(value)) return [shape.name, value.map(String).join('\n')];
      return [shape.name, value === undefined || value === null ? '' : String(value)];
    }),
  );
}

/** What was written, as settings. What is empty and may be left out is left out. */
export function settingsOf(shapes: readonly Shape[], written: Written): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const shape of shapes) {
    const value = written[shape.name];
    if (shape.kind === 'group') {
      if (isObject(value)) settings[shape.name] = settingsOf(shape.fields, value as Written);
      continue;
    }
    const text = typeof value === 'string' ? value.trim() : '';
    if (shape.kind === 'lines') {
      const lines = text
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean);
      if (lines.length > 0 || !shape.isOptional) settings[shape.name] = lines;
    } else if (shape.kind === 'yes-no') {
      settings[shape.name] = text === 'true';
    } else if (text !== '') {
      settings[shape.name] = shape.kind === 'number' ? Number(text) : text;
    }
  }
  return settings;
}
