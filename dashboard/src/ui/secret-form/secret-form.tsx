import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { Schemas } from '../../api/client';
import { connectionsQuery, setSecret } from '../../api/connections';
import { keys } from '../../api/keys';
import { providerName } from '../../text/words';
import Button from '../button/button';
import Field, { Input } from '../field/field';
import Modal, { modalActions } from '../modal/modal';
import Refused from '../note/refused';

/** Enters a connection's new secret. What was held for it goes on by itself. */
export default function SecretForm({
  tenant,
  connection,
  onDone,
  onClose,
}: {
  tenant: string;
  connection: string;
  onDone: (set: Schemas['SecretSet']) => void;
  onClose: () => void;
}) {
  const cache = useQueryClient();
  const known = useQuery(connectionsQuery(tenant)).data?.items.find((one) => one.name === connection);
  const provider = known && known.provider !== connection ? ` at ${providerName(known.provider)}` : '';
  const [secret, setSecretText] = useState('');
  const saving = useMutation({
    mutationFn: () => setSecret(tenant, connection, { secret }),
    onSuccess: (set) => {
      void cache.invalidateQueries({ queryKey: keys.connections(tenant) });
      void cache.invalidateQueries({ queryKey: keys.work(tenant) });
      onDone(set);
    },
  });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (secret && !saving.isPending) saving.mutate();
  };
  return (
    <Modal title={`A new secret for ${providerName(connection)}${provider}`} onClose={onClose}>
      <form onSubmit={onSubmit} style={{ display: 'grid', gap: 16 }}>
        <Field label="Secret" help="An API key or an access token. It is kept sealed and never shown again.">
          {(props) => (
            <Input
              {...props}
              type="password"
              value={secret}
              onChange={setSecretText}
              autoComplete="off"
              spellCheck={false}
              maxLength={8192}
              required
            />
          )}
        </Field>
        <Refused error={saving.error} what="It was not saved" />
        <div className={modalActions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" disabled={!secret || saving.isPending}>
            {saving.isPending ? 'Saving…' : 'Save'}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
