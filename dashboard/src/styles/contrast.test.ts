import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const css = readFileSync(join(import.meta.dirname, 'tokens.css'), 'utf8');
const tokens = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name, light, dark]) => [
    name ?? '',
    { light: light ?? '', dark: dark ?? '' },
  ]),
);
const THEMES = ['light', 'dark'] as const;

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The contrast of two tokens in a theme, as WCAG 2.2 computes it. */
function contrast(one: string, other: string, theme: 'light' | 'dark'): number {
  const [a, b] = [one, other].map((name) => {
    const token = tokens.get(name);
    if (!token) throw new Error(`There is no token ${name}`);
    return luminance(token[theme]);
  });
  const [high, low] = [Math.max(a ?? 0, b ?? 0), Math.min(a ?? 0, b ?? 0)];
  return (high + 0.05) / (low + 0.05);
}

const GROUNDS = ['canvas', 'surface', 'sunken', 'accent-tint', 'ember-tint'];
const STATUSES = [
  'received',
  'processing',
  'in-review',
  'held',
  'parked',
  'completed',
  'quarantined',
  'out-of-area',
  'merged',
];

describe.each(THEMES)('in the %s theme', (theme) => {
  it.each(['ink', 'ink-2', 'ink-3', 'accent', 'ember'])('%s is read on every ground', (text) => {
    for (const ground of GROUNDS) {
      expect(contrast(text, ground, theme), ground).toBeGreaterThanOrEqual(4.5);
    }
  });

  it('words on filled buttons are read', () => {
    expect(contrast('on-accent', 'accent', theme)).toBeGreaterThanOrEqual(4.5);
    expect(contrast('on-accent', 'accent-hover', theme)).toBeGreaterThanOrEqual(4.5);
    expect(contrast('on-ember', 'ember', theme)).toBeGreaterThanOrEqual(4.5);
    expect(contrast('canvas', 'ink', theme)).toBeGreaterThanOrEqual(4.5);
  });

  it('edges of controls are seen', () => {
    for (const ground of GROUNDS) expect(contrast('edge', ground, theme), ground).toBeGreaterThanOrEqual(3);
  });

  it.each(STATUSES)('the status %s is read on its tint and on the page', (status) => {
    for (const ground of [`${status}-tint`, 'canvas', 'surface', 'sunken', 'accent-tint']) {
      expect(contrast(status, ground, theme), ground).toBeGreaterThanOrEqual(4.5);
    }
  });

  it.each([1, 2, 3, 4, 5, 6])('mark %s of a chart is seen', (mark) => {
    for (const ground of ['canvas', 'surface']) {
      expect(contrast(`chart-${mark}`, ground, theme), ground).toBeGreaterThanOrEqual(3);
    }
  });
});
