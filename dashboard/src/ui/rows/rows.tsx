import type { ReactNode } from 'react';
import { useIsNarrow } from '../../shell/width';
import Button from '../button/button';
import styles from './rows.module.css';

export type Column<T> = {
  name: string;
  of: (row: T) => ReactNode;
  /** As narrow as what stands in it. */
  fits?: boolean;
  /** Its name is read, not seen: what stands in it speaks for itself. */
  isBare?: boolean;
};

/** A list as a table, on a phone as cards. */
export default function Rows<T>({
  label,
  columns,
  rows,
  keyOf,
  onMore,
  isFetching = false,
}: {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  /** Reads what comes behind; left out where there is no more. */
  onMore?: (() => void) | undefined;
  isFetching?: boolean;
}) {
  const isNarrow = useIsNarrow();
  return (
    <>
      {isNarrow ? (
        <ul className={styles.cards} aria-label={label}>
          {rows.map((row) => (
            <li key={keyOf(row)}>
              <dl className={styles.card}>
                {columns.map(({ name, of, isBare }) => (
                  <div key={name} data-alone={isBare || undefined}>
                    <dt className={isBare ? 'hidden-but-read' : undefined}>{name}</dt>
                    <dd>{of(row)}</dd>
                  </div>
                ))}
              </dl>
            </li>
          ))}
        </ul>
      ) : (
        <section className={styles.wrap} aria-label={label}>
          <table className={styles.table}>
            <thead>
              <tr>
                {columns.map(({ name, fits, isBare }) => (
                  <th key={name} scope="col" data-fit={fits || undefined}>
                    {isBare ? <span className="hidden-but-read">{name}</span> : name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={keyOf(row)}>
                  {columns.map(({ name, of, fits }) => (
                    <td key={name} data-fit={fits || undefined}>
                      {of(row)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {onMore && (
        <div className={styles.more}>
          <Button onClick={onMore} disabled={isFetching}>
            {isFetching ? 'Reading…' : 'Older'}
          </Button>
        </div>
      )}
    </>
  );
}
