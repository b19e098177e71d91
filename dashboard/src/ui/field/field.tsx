import { type ComponentProps, type ReactNode, useId } from 'react';
import styles from './field.module.css';

export type FieldProps = {
  id: string;
  'aria-describedby': string | undefined;
  'aria-invalid': boolean | undefined;
};

/** Something to enter: its name above, help and what is wrong with it below. */
export default function Field({
  label,
  help,
  error,
  children,
}: {
  label: string;
  help?: ReactNode;
  error?: string | undefined;
  children: (props: FieldProps) => ReactNode;
}) {
  const id = useId();
  const described = [help ? `${id}-help` : '', error ? `${id}-error` : ''].filter(Boolean).join(' ');
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={styles.label}>
        {label}
      </label>
      {children({ id, 'aria-describedby': described || undefined, 'aria-invalid': error ? true : undefined })}
      {help && (
        <p id={`${id}-help`} className={styles.help}>
          {help}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className={styles.error}>
          {error}
        </p>
      )}
    </div>
  );
}

type Own<T extends 'input' | 'select' | 'textarea'> = Omit<ComponentProps<T>, 'onChange' | 'className'> & {
  onChange: (value: string) => void;
};

export function Input({ onChange, ...props }: Own<'input'>) {
  return <input {...props} className={styles.input} onChange={(event) => onChange(event.target.value)} />;
}

export function TextArea({ onChange, ...props }: Own<'textarea'>) {
  return <textarea {...props} className={styles.input} onChange={(event) => onChange(event.target.value)} />;
}

export function Select({ onChange, ...props }: Own<'select'>) {
  return <select {...props} className={styles.input} onChange={(event) => onChange(event.target.value)} />;
}

/** Yes or no, with its words beside it. */
export function Check({
  isOn,
  onChange,
  disabled,
  children,
}: {
  isOn: boolean;
  onChange: (isOn: boolean) => void;
  disabled?: boolean;
  children: ReactNode;
}) {
  return (
    <label className={styles.check}>
      <input
        type="checkbox"
        checked={isOn}
        disabled={disabled}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span>{children}</span>
    </label>
  );
}
