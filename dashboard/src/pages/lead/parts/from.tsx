import type { Schemas } from '../../../api/client';
import { plain } from '../../../text/words';
import Facts, { Fact, Pairs } from '../../../ui/facts/facts';
import Text from '../../../ui/text/text';
import styles from '../page.module.css';

/** How the person found the company: the visit that began it, and the one in which they got in touch. */
export default function From({ lead }: { lead: Schemas['RequestDetail'] }) {
  const { first, last } = lead.visits;
  const [before, then] = [told(first), told(last)];
  if (before.length === 0 && then.length === 0) {
    return <Pairs of={lead.attribution} empty="The provider said nothing of it." />;
  }
  return (
    <>
      {before.length > 0 && <Visit name="First visit" of={before} />}
      {then.length > 0 && <Visit name={before.length > 0 ? 'Last visit' : 'Visit'} of={then} />}
      <details className={styles.more}>
        <summary>In the provider’s own words</summary>
        <Pairs of={lead.attribution} empty="The provider said nothing of it." />
      </details>
    </>
  );
}

const told = (visit: Schemas['Visit']): [string, string][] =>
  Object.entries(visit).filter(
    (pair): pair is [string, string] => typeof pair[1] === 'string' && pair[1] !== '',
  );

/** Ids of clicks are names of their own. */
const nameOf = (key: string): string => (key.endsWith('id') ? key : plain(key));

function Visit({ name, of }: { name: string; of: readonly [string, string][] }) {
  return (
    <div className={styles.visit}>
      <h3>{name}</h3>
      <Facts>
        {of.map(([key, value]) => (
          <Fact key={key} name={nameOf(key)}>
            <Text>{value}</Text>
          </Fact>
        ))}
      </Facts>
    </div>
  );
}
