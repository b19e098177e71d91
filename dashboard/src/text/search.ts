// What stands behind the `?` of an address, as people read and write it: plain keys, repeated where there are several.

/** A search as it was read: a key has one text, or several. */
export type RawSearch = Record<string, string | string[]>;

export function parseSearch(text: string): RawSearch {
  const found: RawSearch = {};
  for (const [key, value] of new URLSearchParams(text.startsWith('?') ? text.slice(1) : text)) {
    const before = found[key];
    found[key] = before === undefined ? value : [before, value].flat();
  }
  return found;
}

export function stringifySearch(search: Record<string, unknown>): string {
  const pairs = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    for (const one of [value].flat()) {
      if (one !== undefined && one !== null && one !== '') pairs.append(key, String(one));
    }
  }
  const text = pairs.toString();
  return text ? `?${text}` : '';
}

/** The last text of a key. */
export const one = (raw: Record<string, unknown>, key: string): string | undefined => {
  const last = [raw[key]].flat().at(-1);
  return last === undefined || last === null || last === '' ? undefined : String(last);
};

/** A key's text, if it is one of these. */
export const oneOf = <T extends string>(
  raw: Record<string, unknown>,
  key: string,
  known: readonly T[],
): T | undefined => known.find((word) => word === one(raw, key));

/** Those of a key's texts that are known, once each. */
export const someOf = <T extends string>(
  raw: Record<string, unknown>,
  key: string,
  known: readonly T[],
): T[] => {
  const given = new Set([raw[key]].flat().map(String));
  return known.filter((word) => given.has(word));
};
