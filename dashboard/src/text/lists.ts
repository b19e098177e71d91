// Lists as people write them: a line for each, or with commas between.

export type Town = { name: string; state: string };

/** ZIP codes, addresses: whatever has neither a comma nor a break in it, once each. */
export const readList = (text: string): string[] => [
  ...new Set(
    text
      .split(/[\s,;]+/)
      .map((one) => one.trim())
      .filter(Boolean),
  ),
];

export const writeTowns = (towns: readonly Town[]): string =>
  towns.map(({ name, state }) => `${name}, ${state}`).join('\n');

/** Towns, a line for each: `Round Rock, TX`. Lines that cannot be read are given back with their numbers. */
export function readTowns(text: string): { towns: Town[]; faults: string[] } {
  const towns: Town[] = [];
  const faults: string[] = [];
  text.split('\n').forEach((line, at) => {
    if (!line.trim()) return;
    const found = /^(.+?)[,\s]\s*([A-Za-z]{2})$/.exec(line.trim());
    if (found?.[1] && found[2]) {
      towns.push({ name: found[1].replace(/,$/, '').trim(), state: found[2].toUpperCase() });
    } else {
      faults.push(`Line ${at + 1}: write “${line.trim()}” with its state, as in Round Rock, TX.`);
    }
  });
  return { towns, faults };
}

/** Settings, a line for each: `channel: C0123456789`. Lines that cannot be read are given back with their numbers. */
export function readSettings(text: string): { settings: Record<string, string>; faults: string[] } {
  const settings: Record<string, string> = {};
  const faults: string[] = [];
  text.split('\n').forEach((line, at) => {
    if (!line.trim()) return;
    const found = /^\s*([A-Za-z0-9_.-]+)\s*[:=]\s*(\S.*?)\s*$/.exec(line);
    if (found?.[1] && found[2]) settings[found[1]] = found[2];
    else
      faults.push(
        `Line ${at + 1}: write “${line.trim()}” as a name and its value, as in channel: C0123456789.`,
      );
  });
  return { settings, faults };
}

/** ZIP codes by their first three digits: thousands of them fit on a line or two. */
export function foldZips(zips: readonly string[]): { prefix: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const zip of zips) counts.set(zip.slice(0, 3), (counts.get(zip.slice(0, 3)) ?? 0) + 1);
  return [...counts]
    .map(([prefix, count]) => ({ prefix, count }))
    .sort((a, b) => (a.prefix < b.prefix ? -1 : 1));
}
