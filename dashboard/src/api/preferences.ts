// What a person prefers. The server keeps it as it is given, so it is read field by field.
import { api, read } from './client';

export type Theme = 'system' | 'light' | 'dark';
export type Preferences = {
  theme: Theme;
  density: 'usual' | 'compact';
  /** A zone of their own; the office's where there is none. */
  zone: string | null;
  /** Whether single letters are keys. */
  hasLetters: boolean;
};

export const USUAL: Preferences = { theme: 'system', density: 'usual', zone: null, hasLetters: true };

export const isZone = (zone: string): boolean => {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
};

/** What cannot be read is as usual. */
export function readPreferences(raw: unknown): Preferences {
  const said = (typeof raw === 'object' && raw !== null ? raw : {}) as Record<string, unknown>;
  return {
    theme: said.theme === 'light' || said.theme === 'dark' ? said.theme : 'system',
    density: said.density === 'compact' ? 'compact' : 'usual',
    zone: typeof said.zone === 'string' && isZone(said.zone) ? said.zone : null,
    hasLetters: said.has_letters !== false,
  };
}

/** The same as it is kept, over what other clients keep there. */
export function writePreferences(raw: unknown, next: Preferences): Record<string, unknown> {
  const others = (typeof raw === 'object' && raw !== null ? raw : {}) as Record<string, unknown>;
  return {
    ...others,
    theme: next.theme,
    density: next.density,
    zone: next.zone,
    has_letters: next.hasLetters,
  };
}

export const savePreferences = (preferences: Record<string, unknown>) =>
  read(api.PUT('/v1/me/preferences', { body: { preferences: preferences as Record<string, never> } }));
