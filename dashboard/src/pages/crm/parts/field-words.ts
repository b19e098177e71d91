import type { Schemas } from '../../../api/client';
import { number } from '../../../text/format';

/** Of many options so many are named. */
const MOST_OPTIONS = 8;

/** What a field of a CRM's record takes: `text, needed, up to 80 characters`. */
export function fieldWords({ kind, is_required, max_length, options }: Schemas['ConnectionField']): string {
  const named = options.slice(0, MOST_OPTIONS).join(', ');
  const others = options.length - MOST_OPTIONS;
  const one = others > 0 ? `${named} and ${number(others)} more` : named;
  return [
    kind,
    is_required && 'needed',
    max_length !== null && `up to ${number(max_length)} characters`,
    options.length > 0 && `one of ${one}`,
  ]
    .filter(Boolean)
    .join(', ');
}
