// A filter of leads: as the address has it, as the API takes it, and whether a lead agrees with it.
import { one, oneOf, someOf } from '../text/search';
import type { Lead, Schemas } from './client';

export const STATUSES = [
  'received',
  'processing',
  'in_review',
  'held',
  'parked',
  'completed',
  'quarantined',
  'out_of_area',
  'merged',
] as const satisfies readonly Schemas['Status'][];
export const CHANNELS = ['phone', 'text', 'form', 'calendar', 'chat', 'api'] as const;
export const AREAS = ['in', 'out', 'unknown'] as const;
export const PROJECTS = [
  'kitchen',
  'bathroom',
  'whole_home',
  'addition',
  'basement',
  'roofing',
  'windows_doors',
  'flooring',
  'outdoor',
  'other',
  'unknown',
] as const satisfies readonly Schemas['ProjectType'][];
export const SORTS = ['newest', 'oldest', 'waiting', 'score'] as const;

export type Filter = {
  status?: Schemas['Status'][];
  channel?: Schemas['Channel'];
  area?: Schemas['Area'];
  project?: Schemas['ProjectType'];
  /** From and to, both within: `81-100`. */
  score?: string;
  /** Whether somebody should call, because nobody did. */
  needs_call?: 'yes' | 'no';
  from?: string;
  to?: string;
  q?: string;
  sort?: Schemas['RequestSort'];
};

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Reads a filter field by field: what cannot be read is left out, so that a link of somebody else's still opens. */
export function readFilter(raw: Record<string, unknown>): Filter {
  const status = someOf(raw, 'status', STATUSES);
  const score = /^(\d{1,3})-(\d{1,3})$/.exec(one(raw, 'score') ?? '');
  const [low, high] = [Number(score?.[1]), Number(score?.[2])];
  const day = (key: string) => (DAY.test(one(raw, key) ?? '') ? one(raw, key) : undefined);
  const sort = oneOf(raw, 'sort', SORTS);
  const entries = {
    status: status.length > 0 ? status : undefined,
    channel: oneOf(raw, 'channel', CHANNELS),
    area: oneOf(raw, 'area', AREAS),
    project: oneOf(raw, 'project', PROJECTS),
    score: score && low <= high && high <= 100 ? `${low}-${high}` : undefined,
    needs_call: oneOf(raw, 'needs_call', ['yes', 'no'] as const),
    from: day('from'),
    to: day('to'),
    q: one(raw, 'q')?.trim().slice(0, 200) || undefined,
    sort: sort === 'newest' ? undefined : sort,
  };
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as Filter;
}

/** What an address had that is no filter: it is told, not passed over. */
export function droppedFrom(raw: Record<string, unknown>): string[] {
  const kept = readFilter(raw) as Record<string, unknown>;
  const known = ['status', 'channel', 'area', 'project', 'score', 'needs_call', 'from', 'to', 'q', 'sort'];
  return known.flatMap((key) => {
    const given = [raw[key]].flat().filter((value) => value !== undefined && value !== '');
    const took = new Set([kept[key]].flat().map(String));
    const isDefault = (value: unknown) => key === 'sort' && value === 'newest';
    return given
      .filter((value) => !took.has(String(value).trim()) && !isDefault(value))
      .map((value) => `${key} “${value}”`);
  });
}

const scores = (filter: Filter): [number, number] | null => {
  const found = filter.score?.split('-').map(Number);
  return found ? [found[0] ?? 0, found[1] ?? 100] : null;
};

/** The same as query parameters of the API, without the order. */
export function asQuery(filter: Filter) {
  const between = scores(filter);
  return {
    ...(filter.status && { status: filter.status }),
    ...(filter.channel && { channel: filter.channel }),
    ...(filter.area && { area: filter.area }),
    ...(filter.project && { project_type: filter.project }),
    ...(between && { score_from: between[0], score_to: between[1] }),
    ...(filter.needs_call && { needs_call: filter.needs_call === 'yes' }),
    ...(filter.from && { from: filter.from }),
    ...(filter.to && { to: filter.to }),
    ...(filter.q && { q: filter.q }),
  };
}

const WAITING: readonly string[] = ['received', 'processing', 'in_review', 'held', 'parked'];

/** Whether a lead agrees with a filter, as far as a browser can tell: what was said and days are the server's to judge. */
export function fits(filter: Filter, lead: Lead): boolean {
  const between = scores(filter);
  const score = lead.lead_score;
  return (
    (!filter.status || filter.status.includes(lead.status)) &&
    (!filter.channel || filter.channel === lead.channel) &&
    (!filter.area || filter.area === (lead.area ?? 'unknown')) &&
    (!filter.project || filter.project === lead.project_type) &&
    (!between || (score !== null && score >= between[0] && score <= between[1])) &&
    (!filter.needs_call || (filter.needs_call === 'yes') === lead.needs_call) &&
    (filter.sort !== 'waiting' || WAITING.includes(lead.status))
  );
}

/** Whether a lead that came just now surely belongs on top of this list. */
export function isNewHere(filter: Filter, lead: Lead, newest: string | undefined): boolean {
  if (filter.q || filter.to || (filter.sort && filter.sort !== 'newest')) return false;
  return fits(filter, lead) && (newest === undefined || lead.created_at > newest);
}

/** How many filters are set, without the order. */
export const countOf = (filter: Filter): number => Object.keys(filter).filter((key) => key !== 'sort').length;
