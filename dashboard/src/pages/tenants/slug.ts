const MAX = 63;

/** A slug that a company's name suggests: `Acme Remodeling, Inc.` is `acme-remodeling-inc`. */
export const slugOf = (name: string): string =>
  name
    .normalize('NFKD')
    // What is left of an accent once its letter stands alone.
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, MAX)
    .replace(/-+$/, '');

/** What is wrong with a slug. Undefined: nothing, or nothing is written yet. */
export function slugFault(slug: string): string | undefined {
  if (slug === '' || /^[a-z0-9][a-z0-9_-]{0,62}$/.test(slug)) return undefined;
  if (slug.length > MAX) return `It has ${slug.length} characters: ${MAX} are the most.`;
  return 'Write small letters, digits, _ and -, and begin with a letter or a digit.';
}
