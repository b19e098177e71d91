import type { Preferences, Theme } from '../api/preferences';

/** Sets the theme here and for the next visit, before anything is asked. */
export function setTheme(next: Theme): void {
  try {
    if (next === 'system') localStorage.removeItem('theme');
    else localStorage.setItem('theme', next);
  } catch {
    // No storage: it holds until the tab is closed.
  }
  if (next === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
}

/** Makes the page look as its reader prefers. */
export function apply({ theme, density }: Preferences): void {
  setTheme(theme);
  if (density === 'compact') document.documentElement.dataset.density = 'compact';
  else delete document.documentElement.dataset.density;
}
