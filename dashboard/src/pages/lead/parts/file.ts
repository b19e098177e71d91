import type { Schemas } from '../../../api/client';

type Kept = Schemas['KeptDocument'];
type Told = Schemas['FormDocument'];

/** A file of a form, by the name that a download asks for. */
export type File = Told & { id: string; kept: Kept | null };

/** The files that came, each with what became of it. */
export function filesOf(told: Record<string, Told>, kept: Record<string, Kept> | null): File[] {
  return Object.entries(told).map(([id, file]) => ({ ...file, id, kept: kept?.[id] ?? null }));
}

/** Why a file cannot be had. Null: it can. */
export function missing(kept: Kept | null, isAtWork: boolean): string | null {
  if (kept?.is_kept) return null;
  if (!kept && isAtWork) return 'It is being kept: in a moment it can be downloaded.';
  return 'It is not here: what it came in was removed before it could be kept.';
}

/** What became of reading it. Null: nobody wanted it read. */
export function reading(kept: Kept | null): string | null {
  switch (kept?.reading.state) {
    case 'read': {
      const { pages } = kept.reading;
      return `${pages === 1 ? '1 page was' : `${pages} pages were`} read.`;
    }
    case 'failed':
      return `It could not be read, and the lead went on without: ${kept.reading.reason}`;
    case 'unsupported':
      return 'Files of its type are not read.';
    case 'suspected':
      return 'It is not read, since its lead may be spam.';
    default:
      return null;
  }
}

/** What stands in it, by name. */
export function valuesOf(kept: Kept | null): Record<string, string> {
  if (kept?.reading.state !== 'read') return {};
  const values = kept.reading.values.filter(
    (one): one is { name: string; value: string } =>
      typeof one === 'object' && one !== null && 'name' in one && 'value' in one,
  );
  return Object.fromEntries(values.map(({ name, value }) => [name, `${value}`]));
}

/** The name that the answer of a download gives it. */
export const savedName = (disposition: string | null): string =>
  /filename="([^"]+)"/.exec(disposition ?? '')?.[1] ?? 'document.bin';
