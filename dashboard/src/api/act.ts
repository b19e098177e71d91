// What acts have in common.

/** A name for a call that may be sent twice and is to happen once. */
export function callKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The header that says which version is changed. */
export const ifMatch = (version: number) => ({ 'If-Match': `"${version}"` });
