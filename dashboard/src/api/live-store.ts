// What the live stream says, for the page: its state, what waits, the server's clock, leads that no list has yet.
import type { QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { has, newestOf, type Pages, withLead } from './cache';
import type { Lead, Schemas } from './client';
import { keys } from './keys';
import { follow, type LiveState } from './live';
import type { LiveMessage } from './stream';

export type Live = {
  state: LiveState;
  /** Since when it is not live; null while it is. */
  since: number | null;
  counts: Schemas['LiveCounts'] | null;
  /** The server's clock less this machine's. */
  offset: number;
  /** Leads that came or changed and that the longest list does not have, the newest first. */
  fresh: readonly Lead[];
  /** The product was updated while this page was open. */
  isOutdated: boolean;
};

const START: Live = {
  state: 'catching-up',
  since: null,
  counts: null,
  offset: 0,
  fresh: [],
  isOutdated: false,
};
const MOST_FRESH = 200;
/** Figures and open leads are read anew this often at most. */
const AGAIN_MS = 1_000;

let live = START;
let version: string | null = null;
let running: { tenant: string; stop: () => void; wake: () => void } | null = null;
const listeners = new Set<() => void>();

function set(next: Partial<Live>): void {
  live = { ...live, ...next };
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const useLive = (): Live => useSyncExternalStore(subscribe, () => live);
export const isLive = (): boolean => live.state === 'live';
/** Now, by the server's clock. */
export const serverNow = (): number => Date.now() + live.offset;
export const retryLive = (): void => running?.wake();

/** The reader took the new leads in. */
export const takeInFresh = (): void => set({ fresh: [] });

/** Follows this tenant instead of the one before. */
export function followTenant(tenant: string, cache: QueryClient): () => void {
  running?.stop();
  live = START;
  const later = throttled(AGAIN_MS);
  const { stop, wake } = follow(tenant, {
    onMessages: (messages) => apply(tenant, cache, messages, later),
    onState: (state) => {
      if (state === live.state) return;
      set({ state, since: state === 'live' ? null : (live.since ?? Date.now()) });
    },
  });
  const me = { tenant, stop, wake };
  running = me;
  set({});
  return () => {
    stop();
    if (running === me) running = null;
  };
}

function apply(tenant: string, cache: QueryClient, messages: LiveMessage[], later: Later): void {
  const leads: Lead[] = [];
  const again = (key: readonly unknown[]) =>
    later(JSON.stringify(key), () => void cache.invalidateQueries({ queryKey: key }));
  for (const { event, data } of messages) {
    switch (event) {
      case 'hello': {
        const hello = data as Schemas['LiveHello'];
        const isOutdated = version !== null && version !== hello.version;
        version ??= hello.version;
        set({ offset: Date.parse(hello.now) - Date.now(), isOutdated: live.isOutdated || isOutdated });
        break;
      }
      case 'counts':
        set({ counts: data as Schemas['LiveCounts'] });
        again(keys.work(tenant));
        break;
      case 'request': {
        const { request, request_id } = data as Schemas['LiveRequest'];
        if (request) leads.push(request);
        again(keys.lead(tenant, request_id));
        break;
      }
      case 'connection':
        again(keys.connections(tenant));
        again(keys.work(tenant));
        again(keys.audit(tenant));
        break;
      case 'job':
        again(keys.jobs(tenant));
        again(keys.audit(tenant));
        break;
      case 'source':
        again(keys.sources(tenant));
        again(keys.audit(tenant));
        break;
      case 'config':
        again(keys.configs(tenant));
        again(keys.offices(tenant));
        again(keys.audit(tenant));
        break;
      case 'person':
        again(keys.people(tenant));
        again(keys.audit(tenant));
        break;
      case 'api_key':
        again(keys.apiKeys(tenant));
        again(keys.audit(tenant));
        break;
      case 'reset':
        set({ fresh: [] });
        void cache.invalidateQueries({ queryKey: keys.tenant(tenant) });
        break;
    }
  }
  if (leads.length === 0) return;
  const newest = newestOf(leads);
  for (const [key, pages] of cache.getQueriesData<Pages>({ queryKey: keys.lists(tenant) })) {
    if (!pages) continue;
    const next = newest.reduce(withLead, pages);
    if (next !== pages) cache.setQueryData(key, next);
    // It is read anew when it is opened the next time; nothing moves while it is looked at.
    if (newest.some((lead) => !has(next, lead.request_id))) {
      void cache.invalidateQueries({ queryKey: key, exact: true, refetchType: 'none' });
    }
  }
  const ids = new Set(newest.map((lead) => lead.request_id));
  const others = live.fresh.filter((lead) => !ids.has(lead.request_id));
  set({ fresh: [...newest.reverse(), ...others].slice(0, MOST_FRESH) });
  again(keys.figures(tenant));
  again(keys.counts(tenant));
}

type Later = (name: string, act: () => void) => void;

/** Calls at once, and then at most once in this time: the last wish counts. */
function throttled(ms: number): Later {
  const waiting = new Map<string, { wish: (() => void) | null }>();
  const run = (name: string, act: () => void) => {
    const slot: { wish: (() => void) | null } = { wish: null };
    waiting.set(name, slot);
    act();
    setTimeout(() => {
      waiting.delete(name);
      if (slot.wish) run(name, slot.wish);
    }, ms);
  };
  return (name, act) => {
    const slot = waiting.get(name);
    if (slot) slot.wish = act;
    else run(name, act);
  };
}
