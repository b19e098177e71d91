import { Link } from '@tanstack/react-router';
import type { Schemas } from '../../../api/client';
import { shown } from '../../../text/format';
import { providerName } from '../../../text/words';
import Button from '../../../ui/button/button';
import Field, { Check, Input, Select } from '../../../ui/field/field';
import layout from '../../../ui/layout/layout.module.css';
import styles from '../page.module.css';
import type { Place } from '../written';
import Account, { accountName } from './account';

type Connection = Schemas['Connection'];

/** So many are taken. */
const MOST = 20;

/** The places in a team's chat that are told, each by an account there. */
export default function Places({
  tenant,
  places,
  connections,
  refusal,
  faults,
  onChange,
  onSecret,
}: {
  tenant: string;
  places: readonly Place[];
  connections: readonly Connection[];
  refusal: string | null;
  /** What is wrong with each of them. */
  faults: readonly (string | undefined)[];
  onChange: (places: Place[]) => void;
  onSecret: (connection: string) => void;
}) {
  const chats = connections.filter((one) => one.uses.includes('chat'));
  const change = (at: number, part: Partial<Place>) =>
    onChange(places.map((place, nth) => (nth === at ? { ...place, ...part } : place)));
  const add = () => {
    const first = chats[0];
    if (first)
      onChange([...places, { channel: first.provider, connection: first.name, to: '', showsContact: false }]);
  };
  return (
    <section className={layout.card} aria-labelledby="chat">
      <h2 id="chat">In the team’s chat</h2>
      {places.length === 0 && <p className={layout.faint}>No channel is told.</p>}
      {places.map((place, at) => {
        const account = connections.find((one) => one.name === place.connection);
        const usual = account?.settings.channel;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a place has no name of its own, and its fields may be the same.
          <fieldset key={at} className={styles.place} disabled={Boolean(refusal)}>
            <legend>
              {providerName(place.channel)} {at + 1}
            </legend>
            <div className={layout.pair}>
              <Field label="Account">
                {(props) => (
                  <Select
                    {...props}
                    value={place.connection}
                    onChange={(name) => {
                      const chosen = chats.find((one) => one.name === name);
                      if (chosen) change(at, { connection: name, channel: chosen.provider });
                    }}
                  >
                    {chats.map((one) => (
                      <option key={one.name} value={one.name}>
                        {accountName(one)}
                      </option>
                    ))}
                    {!chats.some((one) => one.name === place.connection) && (
                      <option value={place.connection}>{shown(place.connection)}</option>
                    )}
                  </Select>
                )}
              </Field>
              <Field
                label="Channel or person"
                help={
                  usual
                    ? `Its id there, such as C0123456789. Left empty: ${shown(usual)}.`
                    : 'Its id there, such as C0123456789. Left empty: where the account leads by itself.'
                }
                error={faults[at]}
              >
                {(props) => (
                  <Input
                    {...props}
                    value={place.to}
                    onChange={(to) => change(at, { to })}
                    maxLength={80}
                    autoComplete="off"
                    spellCheck={false}
                  />
                )}
              </Field>
            </div>
            <Check
              isOn={place.showsContact}
              disabled={Boolean(refusal)}
              onChange={(showsContact) => change(at, { showsContact })}
            >
              Show telephone number and e-mail address whole. Otherwise most of them is masked, because many
              people read there.
            </Check>
            <div className={styles.acts}>
              {account ? (
                <Account of={account} refusal={refusal} onSecret={onSecret} />
              ) : (
                <p className={styles.account}>This account is not there any more.</p>
              )}
              <Button
                look="quiet"
                refusal={refusal}
                onClick={() => onChange(places.filter((_, nth) => nth !== at))}
              >
                Remove
                <span className="hidden-but-read">
                  {' '}
                  {providerName(place.channel)} {at + 1}
                </span>
              </Button>
            </div>
          </fieldset>
        );
      })}
      {chats.length === 0 ? (
        <p className={layout.faint}>
          No account at a team’s chat is connected:{' '}
          <Link to="/t/$tenant/crm" params={{ tenant }}>
            add one
          </Link>
          , such as Slack, to have leads told there.
        </p>
      ) : (
        <div className={layout.buttons}>
          <Button refusal={refusal} disabled={places.length >= MOST} onClick={add}>
            Add a channel
          </Button>
        </div>
      )}
    </section>
  );
}
