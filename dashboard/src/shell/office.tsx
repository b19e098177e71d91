import { createContext, type ReactNode, useContext, useSyncExternalStore } from 'react';
import { serverNow } from '../api/live-store';

const Zone = createContext('UTC');

/** The zone in which everything of a tenant is told. */
export function OfficeZone({ zone, children }: { zone: string; children: ReactNode }) {
  return <Zone value={zone}>{children}</Zone>;
}

export const useZone = (): string => useContext(Zone);

const TICK_MS = 1_000;
let now = serverNow();
let timer: ReturnType<typeof setInterval> | null = null;
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = serverNow();
    for (const one of listeners) one();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer) {
      clearInterval(timer);
      timer = null;
    }
  };
}

/** Now by the server's clock, to a quarter of a minute, so that a page of times is not drawn each second. */
export const useNow = (): number =>
  useSyncExternalStore(subscribe, () => Math.floor(now / 15_000) * 15_000 + 15_000);
