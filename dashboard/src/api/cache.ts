// What live events do to the lists that are kept: a row changes where it stands. Nothing is inserted, removed or moved.
import type { InfiniteData } from '@tanstack/react-query';
import type { Lead, Schemas } from './client';

export type Page = Schemas['RequestList'];
export type Pages = InfiniteData<Page, string | undefined>;

/** The pages with this lead as it is now. The very same pages when they do not have it, or have it newer. */
export function withLead(pages: Pages, lead: Lead): Pages {
  let isChanged = false;
  const next = pages.pages.map((page) => {
    const at = page.items.findIndex((row) => row.request_id === lead.request_id);
    const row = page.items[at];
    if (!row || row.version >= lead.version) return page;
    isChanged = true;
    return { ...page, items: page.items.with(at, lead) };
  });
  return isChanged ? { ...pages, pages: next } : pages;
}

export const has = (pages: Pages, id: string): boolean =>
  pages.pages.some((page) => page.items.some((row) => row.request_id === id));

/** Of all events that were gathered, the newest version of each lead, in the order of their last word. */
export function newestOf(leads: readonly Lead[]): Lead[] {
  const byId = new Map<string, Lead>();
  for (const lead of leads) {
    const before = byId.get(lead.request_id);
    if (before && before.version >= lead.version) continue;
    byId.delete(lead.request_id);
    byId.set(lead.request_id, lead);
  }
  return [...byId.values()];
}
