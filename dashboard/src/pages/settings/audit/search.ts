import { one } from '../../../text/search';

/** Which entries are looked at: those that agree with all of it. */
export type AuditSearch = {
  actor?: string;
  action?: string;
  object?: string;
  /** Days by the clock of the first office. */
  from?: string;
  to?: string;
};

/** The API takes no longer ones. */
const LONGEST = 200;

export function readAuditSearch(raw: Record<string, unknown>): AuditSearch {
  const text = (key: keyof AuditSearch) => one(raw, key)?.trim().slice(0, LONGEST) || undefined;
  const day = (key: 'from' | 'to') => {
    const given = text(key);
    return given && /^\d{4}-\d{2}-\d{2}$/.test(given) ? given : undefined;
  };
  const [actor, action, object] = [text('actor'), text('action'), text('object')];
  const [from, to] = [day('from'), day('to')];
  return {
    ...(actor && { actor }),
    ...(action && { action }),
    ...(object && { object }),
    ...(from && { from }),
    ...(to && { to }),
  };
}
