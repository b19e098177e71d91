import { createContext, type ReactNode, useContext, useMemo, useSyncExternalStore } from 'react';
import { serverNow } from '../api/live-store';

const Zone = createContext({ office: 'UTC', shown: 'UTC' });

/** The zone of a tenant's office, by which days are counted, and the one in which times are told. */
export function OfficeZone({
  office,
  shown,
  children,
}: {
  office: string;
  /** The reader's own, if they want one. */
  shown: string | null;
  children: ReactNode;
}) {
  const zones = useMemo(() => ({ office, shown: shown ?? office }), [office, shown]);
  return <Zone value={zones}>{children}</Zone>;
}

/** The zone in which times are told. */
export const useZone = (): string => useContext(Zone).shown;

/** The office's, by which the server counts days. */
export const useOfficeZone = (): string => useContext(Zone).office;

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
