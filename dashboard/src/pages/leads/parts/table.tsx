import { useNavigate } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import type { Lead } from '../../../api/client';
import { type Filter, fits } from '../../../api/filter';
import { usePreferences } from '../../../shell/preferences';
import { useKeys } from '../../../shell/shortcuts';
import { useIsNarrow } from '../../../shell/width';
import ScorePlate from '../../../ui/score-plate/score-plate';
import StatusMark from '../../../ui/status-mark/status-mark';
import Text from '../../../ui/text/text';
import Time from '../../../ui/time/time';
import Waits from '../../../ui/waits/waits';
import styles from '../page.module.css';
import { COLUMNS, nameOf, Wants, Way } from './columns';

const ROW = 41;
const COMPACT_ROW = 33;
const CARD = 79;

/**
 * The list as a grid with one tab stop. Rows are drawn where they are seen, and the one with the focus stays drawn, so
 * that it is not lost while somebody scrolls.
 */
export default function Table({
  tenant,
  filter,
  leads,
  total,
  hasMore,
  onMore,
  peek,
  onPeek,
}: {
  tenant: string;
  filter: Filter;
  leads: readonly Lead[];
  /** How many rows there are in all; -1 if that is not known. */
  total: number;
  hasMore: boolean;
  onMore: () => void;
  /** The lead that stands open beside the list; it follows where one moves. */
  peek: string | undefined;
  onPeek: (id: string | null) => void;
}) {
  const navigate = useNavigate();
  const isNarrow = useIsNarrow();
  const isCompact = usePreferences().preferences.density === 'compact';
  const scroller = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState(0);
  const [isMoving, setMoving] = useState(false);
  const rows = useVirtualizer({
    count: leads.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (isNarrow ? CARD : isCompact ? COMPACT_ROW : ROW),
    overscan: 12,
    rangeExtractor: ({ startIndex, endIndex, overscan, count }) => {
      const first = Math.max(0, startIndex - overscan);
      const last = Math.min(count - 1, endIndex + overscan);
      const seen = Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
      return current < count && (current < first || current > last)
        ? [...seen, current].sort((a, b) => a - b)
        : seen;
    },
  });
  const drawn = rows.getVirtualItems();
  const last = drawn.at(-1)?.index ?? 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows are measured anew when their height changes.
  useEffect(() => rows.measure(), [isNarrow, isCompact]);
  useEffect(() => {
    if (hasMore && last >= leads.length - 20) onMore();
  }, [hasMore, last, leads.length, onMore]);

  const move = (to: number) => {
    const next = Math.max(0, Math.min(leads.length - 1, to));
    setCurrent(next);
    setMoving(true);
    rows.scrollToIndex(next, { align: 'auto' });
    const lead = leads[next];
    if (peek && lead) onPeek(lead.request_id);
  };
  useEffect(() => {
    if (!isMoving) return;
    setMoving(false);
    scroller.current?.querySelector<HTMLElement>(`[data-index="${current}"]`)?.focus({ preventScroll: true });
  }, [current, isMoving]);
  const open = (lead: Lead | undefined) => {
    if (lead) void navigate({ to: '/t/$tenant/leads/$id', params: { tenant, id: lead.request_id } });
  };
  useKeys({ j: () => move(current + 1), k: () => move(current - 1) });
  const onKey = (event: KeyboardEvent) => {
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: 12,
      PageUp: -12,
      Home: -1e9,
      End: 1e9,
    };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      move(current + step);
    }
    if (event.key === 'Enter') open(leads[current]);
    if (event.key === ' ') {
      event.preventDefault();
      const id = leads[current]?.request_id;
      if (id) onPeek(id === peek ? null : id);
    }
  };

  return (
    <div
      className={styles.grid}
      ref={scroller}
      role="grid"
      aria-label="Leads"
      aria-rowcount={total < 0 ? -1 : total + 1}
      aria-colcount={isNarrow ? 1 : COLUMNS.length}
      onKeyDown={onKey}
    >
      {isNarrow ? (
        <div role="row" aria-rowindex={1} className="hidden-but-read">
          <span role="columnheader">Lead</span>
        </div>
      ) : (
        <div role="row" aria-rowindex={1} className={styles.head}>
          {COLUMNS.map(({ key, name }) => (
            <span key={key} role="columnheader">
              {name}
            </span>
          ))}
        </div>
      )}
      <div className={styles.rows} role="rowgroup" style={{ height: rows.getTotalSize() }}>
        {drawn.map(({ index, start }) => {
          const lead = leads[index];
          if (!lead) return null;
          const isGone = !fits(filter, lead);
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the keys.
            <div
              key={lead.request_id}
              role="row"
              aria-rowindex={index + 2}
              data-index={index}
              data-lead={lead.request_id}
              data-gone={isGone || undefined}
              aria-selected={lead.request_id === peek}
              tabIndex={index === current ? 0 : -1}
              className={isNarrow ? styles.card : styles.row}
              style={{ transform: `translateY(${start}px)` }}
              onFocus={() => setCurrent(index)}
              onClick={() => open(lead)}
            >
              {isNarrow ? (
                <div role="gridcell" className={styles.cardBody}>
                  <ScorePlate score={lead.lead_score} confidence={lead.confidence} />
                  <span className={styles.cardName}>
                    <span className={styles.name}>
                      <Text>{nameOf(lead)}</Text>
                    </span>
                    <Way lead={lead} />
                  </span>
                  <span className={styles.cardTime}>
                    <Time at={lead.created_at} />
                  </span>
                  <span className={styles.cardWants}>
                    <Wants lead={lead} />
                  </span>
                  <span className={styles.cardStatus}>
                    {lead.needs_call ? (
                      <Waits since={lead.created_at} />
                    ) : (
                      <StatusMark status={lead.status} stage={lead.stage} />
                    )}
                  </span>
                </div>
              ) : (
                COLUMNS.map(({ key, cell }) => (
                  <span key={key} role="gridcell" data-column={key}>
                    {cell(lead)}
                  </span>
                ))
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}
