export type Theme = 'system' | 'light' | 'dark';

export function theme(): Theme {
  const set = document.documentElement.dataset.theme;
  return set === 'light' || set === 'dark' ? set : 'system';
}

/** Sets the theme here and for the next visit. */
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
