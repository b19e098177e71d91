import type { Schemas } from '../../api/client';
import layout from '../layout/layout.module.css';
import Text from '../text/text';
import styles from './draft.module.css';

/** What two versions say differently, place by place. */
export default function Difference({ items }: { items: readonly Schemas['ConfigDifference'][] }) {
  if (items.length === 0) return <p className={layout.faint}>They say the same.</p>;
  return (
    <dl className={styles.difference}>
      {items.map(({ path, before, after }) => (
        <div key={path}>
          <dt>
            <code>{path}</code>
          </dt>
          <dd>
            <del>
              <Text>{written(before)}</Text>
            </del>{' '}
            →{' '}
            <ins>
              <Text>{written(after)}</Text>
            </ins>
          </dd>
        </div>
      ))}
    </dl>
  );
}

const written = (value: unknown): string =>
  value === null || value === undefined
    ? 'nothing'
    : typeof value === 'string'
      ? value
      : JSON.stringify(value);
