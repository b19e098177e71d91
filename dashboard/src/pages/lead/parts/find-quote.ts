// Where in a conversation a quoted sentence was said.

/** Words alone: a quote may differ from what was said in its punctuation. */
const words = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** The turn in which a quote was said; the one with most of its words in a row, if none has them all. -1 if none has any. */
export function turnOf(quote: string, turns: readonly { text: string }[]): number {
  const wanted = words(quote);
  if (wanted.length === 0) return -1;
  let best = -1;
  let most = 0;
  turns.forEach(({ text }, at) => {
    const row = longestRow(wanted, words(text));
    if (row > most) [best, most] = [at, row];
  });
  return most >= Math.max(1, Math.ceil(wanted.length / 2)) ? best : -1;
}

function longestRow(one: readonly string[], other: readonly string[]): number {
  let longest = 0;
  let before = new Array<number>(other.length + 1).fill(0);
  for (const word of one) {
    const row = new Array<number>(other.length + 1).fill(0);
    other.forEach((said, at) => {
      if (said !== word) return;
      row[at + 1] = (before[at] ?? 0) + 1;
      longest = Math.max(longest, row[at + 1] ?? 0);
    });
    before = row;
  }
  return longest;
}
