// What happened to a lead, in a person's words.
import type { Schemas } from '../../../api/client';
import { touchWords } from '../../../text/words';

type Detail = Pick<Schemas['RequestDetail'], 'timeline' | 'touches'>;

export type Chapter = { entry: Schemas['TimelineEntry']; name: string | null; detail: string | null };

/** The timeline: touches as what they were, and links that were made one after the other as one line. */
export function storyOf({ timeline, touches }: Detail): Chapter[] {
  const story: Chapter[] = [];
  let links = 0;
  const others = new Set<string>();
  const tellLinks = () => {
    const last = story.at(-1);
    if (last && links > 1) {
      if (others.size > 1) {
        last.name = `Linked with ${others.size} leads of the same person`;
        last.detail = null;
      }
    }
    links = 0;
    others.clear();
  };
  for (const entry of timeline) {
    if (entry.outcome === 'linked') {
      const other = entry.detail?.split(' ')[0];
      if (other) others.add(other);
      links += 1;
      const chapter = {
        entry,
        name: 'Linked with another lead of the same person',
        detail: entry.detail?.split(': ').at(-1) ?? null,
      };
      if (links > 1) story[story.length - 1] = chapter;
      else story.push(chapter);
      continue;
    }
    tellLinks();
    const touch = entry.outcome === 'touched' ? touches.find((one) => one.at === entry.at) : undefined;
    story.push(
      touch
        ? {
            entry,
            name: touchWords(touch),
            detail: [`by ${touch.by}`, touch.note].filter(Boolean).join(': '),
          }
        : { entry, name: null, detail: entry.detail },
    );
  }
  tellLinks();
  return story;
}
