import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { keys } from '../api/keys';
import { type Preferences, readPreferences, savePreferences, writePreferences } from '../api/preferences';
import { meQuery } from '../api/queries';
import { apply } from './theme';

/** What the reader prefers, and a way to change it: it holds at once, and on their other devices from their next visit on. */
export function usePreferences() {
  const cache = useQueryClient();
  const me = useQuery(meQuery).data;
  const preferences = readPreferences(me?.preferences);
  const saving = useMutation({
    mutationFn: (next: Preferences) => savePreferences(writePreferences(me?.preferences, next)),
    onMutate: (next) => {
      const before = me;
      apply(next);
      if (me) {
        cache.setQueryData(meQuery.queryKey, {
          ...me,
          preferences: writePreferences(me.preferences, next) as typeof me.preferences,
        });
      }
      return before;
    },
    onError: (_error, _next, before) => {
      if (!before) return;
      cache.setQueryData(meQuery.queryKey, before);
      apply(readPreferences(before.preferences));
    },
    onSettled: () => cache.invalidateQueries({ queryKey: keys.me }),
  });
  const change = (part: Partial<Preferences>) => saving.mutate({ ...preferences, ...part });
  return { isKnown: me !== undefined, preferences, change, error: saving.error };
}
