import { expect, it } from 'vitest';
import type { Schemas } from '../../../api/client';
import { touchWords } from '../../../text/words';
import { storyOf } from './story';

const entry = (outcome: string, detail: string | null = null, at = '2026-11-28T10:00:00Z') =>
  ({ at, outcome, detail, stage: null, target: null, duration_ms: null }) as Schemas['TimelineEntry'];

it('tells links that were made one after the other as one line', () => {
  const story = storyOf({
    touches: [],
    timeline: [
      entry('received'),
      entry('linked', 'req_1 is the same person’s: same telephone number'),
      entry('linked', 'req_2 is the same person’s: same telephone number'),
      entry('linked', 'req_1 is the same person’s: same e-mail address'),
      entry('completed'),
      entry('linked', 'req_3 is the same person’s: same telephone number'),
    ],
  });
  expect(story.map(({ name, entry: { outcome } }) => name ?? outcome)).toEqual([
    'received',
    'Linked with 2 leads of the same person',
    'completed',
    'Linked with another lead of the same person',
  ]);
  expect(story.at(-1)?.detail).toBe('same telephone number');
});

it('tells what a touch was, by whom and with what note', () => {
  const at = '2026-11-28T10:40:02.213380147Z';
  const touch = { kind: 'call', outcome: 'left_message', note: 'calls back', by: 'luis', at } as const;
  const story = storyOf({ touches: [touch], timeline: [entry('touched', 'by luis', at)] });
  expect(story.map(({ name, detail }) => [name, detail])).toEqual([
    ['Called, left a message', 'by luis: calls back'],
  ]);
  expect(touchWords({ kind: 'visit', outcome: null })).toBe('Visited');
});

it('tells of a touch that is not known as the server does', () => {
  const story = storyOf({ touches: [], timeline: [entry('touched', 'by luis')] });
  expect(story.map(({ name, detail }) => [name, detail])).toEqual([[null, 'by luis']]);
});
