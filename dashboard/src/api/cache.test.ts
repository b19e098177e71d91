import fc from 'fast-check';
import { expect, it } from 'vitest';
import { newestOf, type Pages, withLead } from './cache';
import type { Lead } from './client';
import { fits, isNewHere } from './filter';

const lead = (id: number, version: number, more: Partial<Lead> = {}): Lead =>
  ({
    request_id: `req_${id}`,
    version,
    status: version > 3 ? 'completed' : 'processing',
    lead_score: version * 10,
    created_at: `2026-11-28T02:00:0${id}Z`,
    area: null,
    channel: 'phone',
    project_type: null,
    ...more,
  }) as Lead;

const pages = (...items: Lead[][]): Pages => ({
  pages: items.map((of) => ({ items: of, next_cursor: null })),
  pageParams: items.map(() => undefined),
});

it('gives the list that a fresh read gives, in whatever order events come and however often', () => {
  const events = fc.array(fc.tuple(fc.nat(4), fc.integer({ min: 1, max: 6 })), { maxLength: 40 });
  fc.assert(
    fc.property(events, fc.nat(1000), (told, cut) => {
      const start = [0, 1, 2, 3, 4].map((id) => lead(id, 1));
      const leads = told.map(([id, version]) => lead(id, version));
      const at = leads.length === 0 ? 0 : cut % leads.length;
      // In two frames, each with its newest.
      const live = [leads.slice(0, at), leads.slice(at)].reduce(
        (list, frame) => newestOf(frame).reduce(withLead, list),
        pages(start.slice(0, 2), start.slice(2)),
      );
      const fresh = start.map((row) =>
        leads
          .filter((one) => one.request_id === row.request_id)
          .reduce((a, b) => (b.version > a.version ? b : a), row),
      );
      expect(live.pages.flatMap((page) => page.items)).toEqual(fresh);
    }),
  );
});

it('neither inserts nor removes nor moves a row', () => {
  const before = pages([lead(1, 2), lead(2, 2)]);
  expect(withLead(before, lead(9, 1))).toBe(before);
  expect(withLead(before, lead(1, 2)), 'an old version changes nothing').toBe(before);
  const after = withLead(before, lead(2, 5));
  expect(after.pages[0]?.items.map((row) => row.request_id)).toEqual(['req_1', 'req_2']);
  expect(after.pages[0]?.items[0]).toBe(before.pages[0]?.items[0]);
});

it('knows which new lead belongs on top of which list', () => {
  const newest = '2026-11-28T02:00:05Z';
  const kitchen = lead(6, 5, { project_type: 'kitchen', lead_score: 90 });
  expect(isNewHere({}, kitchen, newest)).toBe(true);
  expect(isNewHere({ project: 'kitchen', score: '81-100' }, kitchen, newest)).toBe(true);
  expect(isNewHere({ project: 'bathroom' }, kitchen, newest)).toBe(false);
  expect(isNewHere({}, lead(1, 5), newest), 'an old lead that changed is not new').toBe(false);
  expect(isNewHere({ q: 'tile' }, kitchen, newest), 'words are the server’s to judge').toBe(false);
  expect(fits({ status: ['held'] }, kitchen)).toBe(false);
  expect(fits({ area: 'unknown' }, kitchen)).toBe(true);
});
