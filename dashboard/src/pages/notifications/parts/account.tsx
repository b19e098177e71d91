import type { Schemas } from '../../../api/client';
import { shown } from '../../../text/format';
import { providerName } from '../../../text/words';
import Button from '../../../ui/button/button';
import ConnectionState from '../../../ui/connection-state/connection-state';
import styles from '../page.module.css';

type Connection = Schemas['Connection'];

/** An account's name: its provider's, and its own where that is another. */
export const accountName = ({ name, provider }: Pick<Connection, 'name' | 'provider'>): string =>
  name === provider ? providerName(provider) : `${providerName(provider)}: ${shown(name)}`;

/** The account that messages leave by, and a way to mend it. */
export default function Account({
  of,
  refusal,
  onSecret,
}: {
  of: Connection;
  refusal: string | null;
  onSecret: (connection: string) => void;
}) {
  return (
    <p className={styles.account}>
      <bdi>{accountName(of)}</bdi> <ConnectionState state={of.state} />
      {of.state === 'refused' && (
        <Button refusal={refusal} onClick={() => onSecret(of.name)}>
          New secret…<span className="hidden-but-read"> for {accountName(of)}</span>
        </Button>
      )}
    </p>
  );
}
