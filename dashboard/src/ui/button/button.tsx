import { Button as BaseButton } from '@base-ui/react/button';
import type { ComponentProps } from 'react';
import styles from './button.module.css';

type Look = 'plain' | 'primary' | 'quiet';

export const buttonClass = (look: Look = 'plain'): string =>
  [styles.button, look === 'plain' ? '' : styles[look]].filter(Boolean).join(' ');

/** A button. One that may not be used says why, and stays reachable by keyboard so that it can. */
export default function Button({
  look = 'plain',
  refusal,
  ...props
}: Omit<ComponentProps<'button'>, 'className'> & { look?: Look; refusal?: string | null }) {
  return (
    <BaseButton
      type="button"
      {...props}
      className={buttonClass(look)}
      disabled={props.disabled || Boolean(refusal)}
      focusableWhenDisabled={Boolean(refusal)}
      title={refusal ?? props.title}
    />
  );
}
