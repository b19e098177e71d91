import { waited } from '../../../text/format';

/**
 * The usual time between two deliveries, in a person's words. After a burst it is nothing, or next to nothing, and that
 * is no gap that anybody waits for.
 */
export function usualGap(seconds: number | null): string {
  if (seconds === null) return 'too few came to tell';
  if (seconds < 60) return 'under a minute: they came in a burst';
  if (seconds < 3600) return `about ${Math.round(seconds / 60)} min`;
  return `about ${waited(seconds)}`;
}
