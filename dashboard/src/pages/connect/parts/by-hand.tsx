import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { Schemas } from '../../../api/client';
import { keys } from '../../../api/keys';
import { addKey } from '../../../api/sources';
import { plain } from '../../../text/words';
import Button from '../../../ui/button/button';
import Copy from '../../../ui/copy/copy';
import Field, { Input } from '../../../ui/field/field';
import layout from '../../../ui/layout/layout.module.css';
import Note from '../../../ui/note/note';
import Refused from '../../../ui/note/refused';
import Once from '../../../ui/once/once';
import styles from '../page.module.css';

/** What a person does at a provider that has no API for it, with what is to be copied there. */
export default function ByHand({
  tenant,
  name,
  source,
  made,
  madeKey,
  isLooking,
  onLook,
}: {
  tenant: string;
  name: string;
  source: Schemas['Source'];
  made: Schemas['ConnectedSource'];
  /** The signing key that an answer before this one has shown. */
  madeKey: string | null;
  isLooking: boolean;
  onLook: () => void;
}) {
  const needsKey = made.steps.some((one) => one.step === 'signing_key' && !one.is_done);
  return (
    <section className={layout.card} aria-labelledby="by-hand">
      <h2 id="by-hand">Now at {name}, in this order</h2>
      <ol className={styles.steps} aria-label={`At ${name}`}>
        {made.by_hand.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      {made.webhooks.map(({ event, url }) => {
        const label = event ? `URL for ${plain(event).toLowerCase()}` : 'URL';
        return (
          <div key={url}>
            {label}
            <div className={styles.line}>
              <code className={styles.url}>{url}</code>
              <Copy text={url} name={label} />
            </div>
          </div>
        );
      })}
      {made.webhooks.length > 0 && (
        <p className={layout.faint}>
          Whoever has a URL can try to post there, so it is handed on like a key. It stands here until the
          first delivery came by it.
        </p>
      )}
      {madeKey && (
        <Once
          title={`The signing key to enter at ${name}, shown this once`}
          lines={[{ label: 'Signing key', text: madeKey }]}
        />
      )}
      {needsKey && <SigningKey tenant={tenant} source={source.source_id} name={name} onKept={onLook} />}
      <div className={layout.buttons}>
        <Button look="primary" disabled={isLooking} onClick={onLook}>
          {isLooking ? 'Looking…' : 'It is done: look whether it came'}
        </Button>
      </div>
    </section>
  );
}

/** Keeps the key that the provider shows. */
function SigningKey({
  tenant,
  source,
  name,
  onKept,
}: {
  tenant: string;
  source: string;
  name: string;
  onKept: () => void;
}) {
  const cache = useQueryClient();
  const [key, setKey] = useState('');
  const keeping = useMutation({
    mutationFn: () => addKey(tenant, source, key.trim()),
    onSuccess: () => {
      setKey('');
      onKept();
    },
    onSettled: () => cache.invalidateQueries({ queryKey: keys.sources(tenant) }),
  });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (key.trim() && !keeping.isPending) keeping.mutate();
  };
  return (
    <form className={layout.row} onSubmit={onSubmit}>
      <Field label="Signing key" help={`As ${name} shows it. It is not shown again here.`}>
        {(props) => <Input {...props} type="password" value={key} onChange={setKey} autoComplete="off" />}
      </Field>
      <Button type="submit" disabled={!key.trim() || keeping.isPending}>
        {keeping.isPending ? 'Storing…' : 'Store it'}
      </Button>
      <Refused error={keeping.error} what="The key was not stored" />
      {keeping.isSuccess && <Note look="done">The key is stored.</Note>}
    </form>
  );
}
