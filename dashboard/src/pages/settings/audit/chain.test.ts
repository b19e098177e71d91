import { expect, it } from 'vitest';
import type { Schemas } from '../../../api/client';
import { brokenAt } from './chain';

const entry = (hash: string, previous: string) => ({ hash, previous }) as Schemas['AuditEntry'];

it('finds no gap in a chain, nor in its end alone', () => {
  expect(brokenAt([entry('c', 'b'), entry('b', 'a'), entry('a', '')])).toBeNull();
  expect(brokenAt([entry('c', 'b')]), 'what is behind was not read yet').toBeNull();
  expect(brokenAt([])).toBeNull();
});

it('finds where an entry was taken out or changed', () => {
  expect(brokenAt([entry('d', 'c'), entry('b', 'a'), entry('a', '')])?.hash).toBe('d');
  expect(brokenAt([entry('c', 'b'), entry('changed', 'a'), entry('a', '')])?.hash).toBe('c');
});
