import { cleanup, render, screen } from '@testing-library/react';
import { afterEach, expect, it } from 'vitest';
import { STATUSES } from '../../api/filter';
import StatusMark from './status-mark';

afterEach(cleanup);

it('gives every status a shape and a word of its own', () => {
  const { container } = render(STATUSES.map((status) => <StatusMark key={status} status={status} />));
  const marks = [...container.children];
  const shapes = new Set(marks.map((mark) => mark.querySelector('svg')?.innerHTML));
  const words = new Set(marks.map((mark) => mark.textContent));
  expect(shapes.size).toBe(STATUSES.length);
  expect(words.size).toBe(STATUSES.length);
});

it('says which stage runs', () => {
  render(<StatusMark status="processing" stage="transcript" />);
  expect(screen.getByText('Transcript')).toBeTruthy();
});

it('shows a status that it does not know in words', () => {
  render(<StatusMark status={'sent_to_moon' as 'received'} />);
  expect(screen.getByText('Sent to moon')).toBeTruthy();
});
