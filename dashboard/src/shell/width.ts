import { useSyncExternalStore } from 'react';

const narrow = matchMedia('(max-width: 719px)');

const subscribe = (listener: () => void) => {
  narrow.addEventListener('change', listener);
  return () => narrow.removeEventListener('change', listener);
};

/** Whether tables become cards. */
export const useIsNarrow = (): boolean => useSyncExternalStore(subscribe, () => narrow.matches);
