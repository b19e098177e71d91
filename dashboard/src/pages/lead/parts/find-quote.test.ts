import { expect, it } from 'vitest';
import { turnOf } from './find-quote';

const turns = [
  { text: 'Thanks for calling, this is Luis.' },
  { text: "Hi Luis, I'd like a quote for a kitchen remodel." },
  { text: 'A kitchen remodel, sure. Where?' },
];

it('finds the second of a quote by its words', () => {
  expect(turnOf('I’d like a quote for a kitchen remodel', turns)).toBe(1);
  expect(turnOf('“A KITCHEN remodel, sure”', turns)).toBe(2);
});

it('finds nothing rather than something else', () => {
  expect(turnOf('we need a new roof before winter', turns)).toBe(-1);
  expect(turnOf('…', turns)).toBe(-1);
  expect(turnOf('kitchen', [])).toBe(-1);
});
