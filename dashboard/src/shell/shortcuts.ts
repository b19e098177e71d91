import { useNavigate } from '@tanstack/react-router';
import { useEffect, useLayoutEffect, useRef } from 'react';
import { PLACES, type Place } from './pages';

/** Whether letters are typed somewhere, so that they are no keys of the page. */
export function isTyping(event: KeyboardEvent): boolean {
  const at = event.target;
  return at instanceof HTMLElement && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName));
}

let hasLetters = true;

/** Whether single letters are keys at all: somebody who dictates switches them off. */
export function setLetters(isOn: boolean): void {
  hasLetters = isOn;
}

/** Calls back for keys that are pressed alone, outside of fields and dialogs. */
export function useKeys(keys: Record<string, (event: KeyboardEvent) => void>): void {
  const latest = useRef(keys);
  latest.current = keys;
  // Before the page is painted: whoever sees it may press.
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      if (!hasLetters && /^[a-z0-9?/[\],.]$/i.test(event.key)) return;
      if (document.querySelector('[role=dialog], [role=menu], :popover-open')) return;
      latest.current[event.key]?.(event);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

/** Moves the focus among the things that a selector finds, from where it is now. */
export function stepFocus(selector: string, by: 1 | -1): void {
  const all = [...document.querySelectorAll<HTMLElement>(selector)];
  const at = all.findIndex((one) => one === document.activeElement || one.contains(document.activeElement));
  const next = at < 0 ? all[0] : all[at + by];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

/** Where `g` and a letter go. */
export const GO: Record<string, Place> = Object.fromEntries(
  PLACES.flatMap((place) => (place.letter ? [[place.letter, place] as const] : [])),
);

/** The keys that work on every page. */
export function useShortcuts(tenant: string, open: (what: 'palette' | 'keys') => void): void {
  const navigate = useNavigate();
  const goesUntil = useRef(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      open('palette');
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [open]);
  const go = Object.fromEntries(
    Object.entries(GO).map(([key, { to }]) => [
      key,
      (event: KeyboardEvent) => {
        if (event.timeStamp > goesUntil.current) return;
        goesUntil.current = 0;
        event.preventDefault();
        void navigate({ to, params: { tenant }, search: {} });
      },
    ]),
  );
  useKeys({
    ...go,
    g: (event) => {
      goesUntil.current = event.timeStamp + 1_500;
    },
    '?': () => open('keys'),
    '/': (event) => {
      event.preventDefault();
      const field = document.querySelector<HTMLElement>('[data-search]');
      if (field) field.focus();
      else open('palette');
    },
    y: () => void navigator.clipboard?.writeText(location.href),
  });
}
