import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { callKey } from '../../../api/act';
import { api, read, readAll, type Schemas } from '../../../api/client';
import { keys } from '../../../api/keys';
import { meQuery } from '../../../api/queries';
import { useRefusal } from '../../../shell/role';
import { plain } from '../../../text/words';
import Button from '../../../ui/button/button';
import Confirm from '../../../ui/confirm/confirm';
import Empty from '../../../ui/empty/empty';
import FailureNote from '../../../ui/failure/failure';
import Field, { Check, Input } from '../../../ui/field/field';
import Forbidden from '../../../ui/forbidden/forbidden';
import layout from '../../../ui/layout/layout.module.css';
import Refused from '../../../ui/note/refused';
import Once from '../../../ui/once/once';
import Rows, { type Column } from '../../../ui/rows/rows';
import Skeleton from '../../../ui/skeleton/skeleton';
import Text from '../../../ui/text/text';
import Time from '../../../ui/time/time';
import SettingsHead from '../head';
import styles from '../settings.module.css';

type Key = Schemas['ApiKey'];

const SCOPES: readonly { scope: Schemas['Scope']; words: string }[] = [
  { scope: 'ingest', words: 'posts leads, and nothing else' },
  { scope: 'read', words: 'reads, as a viewer' },
  { scope: 'operate', words: 'decides about leads and redrives, as an operator' },
  { scope: 'admin', words: 'changes the set-up, as an administrator' },
];

const keysQuery = (tenant: string) =>
  queryOptions({
    queryKey: keys.apiKeys(tenant),
    queryFn: ({ signal }) =>
      readAll((query) =>
        api.GET('/v1/tenants/{tenant_id}/api-keys', { params: { path: { tenant_id: tenant }, query }, signal }),
      ),
  });

/** The keys by which programs call the API. */
export default function ApiKeys() {
  const { tenant } = useParams({ from: '/t/$tenant/settings/keys' });
  const refusal = useRefusal('tenant_admin');
  const me = useQuery(meQuery);
  return (
    <>
      <SettingsHead
        name="API keys"
        lead="Programs call the API by a key of their own. It is for this company, opens what is ticked, and is shown once."
      />
      {me.isPending ? (
        <Skeleton rows={3} height={44} />
      ) : refusal ? (
        <Forbidden refusal={refusal} />
      ) : (
        <div className={layout.page}>
          <Make tenant={tenant} />
          <List tenant={tenant} />
        </div>
      )}
    </>
  );
}

function Make({ tenant }: { tenant: string }) {
  const cache = useQueryClient();
  const [name, setName] = useState('');
  const [until, setUntil] = useState('');
  const [scopes, setScopes] = useState<ReadonlySet<Schemas['Scope']>>(new Set(['read']));
  const making = useMutation({
    mutationFn: () =>
      read(
        api.POST('/v1/tenants/{tenant_id}/api-keys', {
          params: { path: { tenant_id: tenant }, header: { 'Idempotency-Key': callKey() } },
          body: {
            name: name.trim(),
            scopes: [...scopes],
            // To the end of the day: whoever says a day means all of it.
            ...(until && { expires_at: `${until}T23:59:59Z` }),
          },
        }),
      ),
    onSuccess: () => {
      setName('');
      setUntil('');
      return cache.invalidateQueries({ queryKey: keys.apiKeys(tenant) });
    },
  });
  const toggle = (scope: Schemas['Scope']) => (isOn: boolean) => {
    const next = new Set(scopes);
    if (isOn) next.add(scope);
    else next.delete(scope);
    setScopes(next);
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!making.isPending) making.mutate();
  };
  return (
    <section className={layout.card} aria-labelledby="make">
      <h2 id="make">Make a key</h2>
      <form className={layout.form} onSubmit={onSubmit}>
        <Field label="What it is for">
          {(props) => <Input {...props} value={name} onChange={setName} maxLength={100} required />}
        </Field>
        <fieldset className={styles.days}>
          <legend>It</legend>
          {SCOPES.map(({ scope, words }) => (
            <Check key={scope} isOn={scopes.has(scope)} onChange={toggle(scope)}>
              {words} <code>{scope}</code>
            </Check>
          ))}
        </fieldset>
        <Field label="Until" help="Left empty: until it is revoked.">
          {(props) => <Input {...props} type="date" value={until} onChange={setUntil} />}
        </Field>
        <Refused error={making.error} what="No key was made" />
        <div className={layout.buttons}>
          <Button
            type="submit"
            look="primary"
            disabled={!name.trim() || scopes.size === 0 || making.isPending}
          >
            {making.isPending ? 'Making…' : 'Make the key'}
          </Button>
        </div>
      </form>
      {making.data && (
        <Once
          title={`The key for ${making.data.api_key.name}, shown this once`}
          lines={[{ label: 'Key', text: making.data.key }]}
        />
      )}
    </section>
  );
}

function List({ tenant }: { tenant: string }) {
  const cache = useQueryClient();
  const list = useQuery(keysQuery(tenant));
  const [revoked, setRevoked] = useState<Key | null>(null);
  if (list.isPending) return <Skeleton rows={3} height={44} />;
  if (list.isError) {
    return (
      <FailureNote error={list.error} what="The keys cannot be read." onRetry={() => void list.refetch()} />
    );
  }
  if (list.data.items.length === 0) return <Empty title="No key yet">Make one above for each program.</Empty>;
  const columns: Column<Key>[] = [
    {
      name: 'Key',
      of: (key) => (
        <>
          <span className={styles.name}>
            <Text>{key.name}</Text>
          </span>
          <div className={layout.faint}>
            <code>{key.prefix}…</code>
          </div>
        </>
      ),
    },
    { name: 'Opens', of: (key) => key.scopes.map((scope) => plain(scope).toLowerCase()).join(', ') },
    {
      name: 'Made',
      of: (key) => (
        <>
          <Time at={key.created_at} /> by <Text>{key.created_by}</Text>
        </>
      ),
    },
    { name: 'Used', fits: true, of: (key) => (key.last_used_at ? <Time at={key.last_used_at} /> : 'never') },
    { name: 'Until', fits: true, of: (key) => (key.expires_at ? <Time at={key.expires_at} /> : '–') },
    {
      name: 'Revoke',
      isBare: true,
      fits: true,
      of: (key) =>
        key.revoked_at ? (
          <span className={layout.faint}>
            revoked <Time at={key.revoked_at} />
          </span>
        ) : (
          <Button onClick={() => setRevoked(key)}>
            Revoke…<span className="hidden-but-read"> {key.name}</span>
          </Button>
        ),
    },
  ];
  return (
    <>
      <Rows label="Keys" columns={columns} rows={list.data.items} keyOf={(key) => key.key_id} />
      {revoked && (
        <Confirm
          title={`Revoke ${revoked.name}?`}
          act="Revoke"
          onClose={() => setRevoked(null)}
          onAct={async () => {
            await read(
              api.DELETE('/v1/tenants/{tenant_id}/api-keys/{key_id}', {
                params: { path: { tenant_id: tenant, key_id: revoked.key_id } },
              }),
            );
            await cache.invalidateQueries({ queryKey: keys.apiKeys(tenant) });
          }}
        >
          Whatever calls by it is refused within 5 seconds. A revoked key does not come back.
        </Confirm>
      )}
    </>
  );
}
