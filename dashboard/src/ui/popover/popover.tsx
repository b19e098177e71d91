import { type MouseEvent, type ReactNode, type ToggleEvent, useId, useRef } from 'react';
import styles from './popover.module.css';

export const popoverItem = styles.item;
export const popoverLabel = styles.label;
export const popoverRule = styles.rule;

const GAP = 6;
const EDGE = 8;

/**
 * A button with what opens over the page. It is the browser's own: a press beside it and Escape close it, the focus goes
 * back by itself, and no library has to be loaded before it works.
 */
export default function Popover({
  className = '',
  isOpenHere = false,
  disabled = false,
  title,
  trigger,
  children,
}: {
  className?: string | undefined;
  /** Whether the page that is open is one of those that it leads to. */
  isOpenHere?: boolean;
  disabled?: boolean;
  title?: string | undefined;
  trigger: ReactNode;
  children: ReactNode;
}) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  // What was chosen closes it; a choice that can be changed at once, such as the theme, does not.
  const onClick = (event: MouseEvent<HTMLDivElement>) => {
    if (event.target instanceof Element && event.target.closest('a, button'))
      event.currentTarget.hidePopover();
  };
  // Under its button, or above it where there is more room, and within the window.
  const onToggle = (event: ToggleEvent<HTMLDivElement>) => {
    const from = button.current?.getBoundingClientRect();
    if (event.newState !== 'open' || !from) return;
    const popup = event.currentTarget;
    const { offsetWidth: width, offsetHeight: height } = popup;
    const isAbove = from.bottom + GAP + height > innerHeight && from.top > innerHeight - from.bottom;
    const isLeft = from.left + from.width / 2 < innerWidth / 2;
    const left = isLeft ? from.left : from.right - width;
    popup.style.left = `${Math.max(EDGE, Math.min(left, innerWidth - width - EDGE))}px`;
    popup.style.top = `${Math.max(EDGE, isAbove ? from.top - GAP - height : from.bottom + GAP)}px`;
  };
  return (
    <>
      <button
        type="button"
        ref={button}
        className={className}
        disabled={disabled}
        title={title}
        popoverTarget={id}
        data-open={isOpenHere || undefined}
      >
        {trigger}
      </button>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: a press of a key on a link or a button is a click, too. */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it only hears what is pressed within. */}
      <div id={id} popover="auto" className={styles.popup} onClick={onClick} onToggle={onToggle}>
        {children}
      </div>
    </>
  );
}
