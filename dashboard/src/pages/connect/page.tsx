import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import type { Schemas } from '../../api/client';
import { setSecret } from '../../api/connections';
import { keys } from '../../api/keys';
import { meQuery } from '../../api/queries';
import { catalogueQuery, connectSource, createSource, testSource } from '../../api/sources';
import { useRefusal } from '../../shell/role';
import { plain } from '../../text/words';
import Button, { buttonClass } from '../../ui/button/button';
import FailureNote from '../../ui/failure/failure';
import Field, { Input } from '../../ui/field/field';
import Forbidden from '../../ui/forbidden/forbidden';
import layout from '../../ui/layout/layout.module.css';
import Note from '../../ui/note/note';
import Refused from '../../ui/note/refused';
import Once from '../../ui/once/once';
import PageHead from '../../ui/page-head/page-head';
import Skeleton from '../../ui/skeleton/skeleton';
import styles from './page.module.css';

type Provider = Schemas['Connectable'];

/** Connects a source: which, its key, what we register, and a test that proves it. */
export default function Connect() {
  const { tenant } = useParams({ from: '/t/$tenant/sources/new' });
  const refusal = useRefusal('tenant_admin');
  const me = useQuery(meQuery);
  const catalogue = useQuery(catalogueQuery(tenant));
  const [chosen, setChosen] = useState<string | null>(null);
  const provider = catalogue.data?.items.find((one) => one.provider === chosen);
  return (
    <div className={styles.page}>
      <PageHead
        name={provider ? `Connect ${provider.name}` : 'Connect a source'}
        within="Sources"
        lead={provider ? undefined : 'Which one? It takes about two minutes.'}
      >
        {provider && <Button onClick={() => setChosen(null)}>Another one</Button>}
      </PageHead>
      {me.isPending || catalogue.isPending ? (
        <Skeleton rows={6} height={64} />
      ) : refusal ? (
        <Forbidden refusal={refusal} />
      ) : catalogue.isError ? (
        <FailureNote
          error={catalogue.error}
          what="What can be connected cannot be read."
          onRetry={() => void catalogue.refetch()}
        />
      ) : provider ? (
        <Wizard key={provider.provider} tenant={tenant} provider={provider} />
      ) : (
        <ul className={styles.choices}>
          {catalogue.data.items.map((one) => (
            <li key={one.provider}>
              <button type="button" className={styles.choice} onClick={() => setChosen(one.provider)}>
                <strong>{one.name}</strong>
                <span>
                  {one.is_connected_by_call
                    ? 'we register its webhooks for you'
                    : 'you enter one URL at the provider'}
                  {one.is_audited && ' · compared day by day'}
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

type Values = Record<string, string>;

function Wizard({ tenant, provider }: { tenant: string; provider: Provider }) {
  const cache = useQueryClient();
  const [values, setValues] = useState<Values>({});
  const [signingKey, setSigningKey] = useState('');
  const [accounts, setAccounts] = useState('');
  const isByCall = provider.is_connected_by_call;
  const connecting = useMutation({
    mutationFn: () => connect(tenant, provider, values, signingKey, accounts),
    onSettled: () => {
      void cache.invalidateQueries({ queryKey: keys.sources(tenant) });
      void cache.invalidateQueries({ queryKey: keys.connections(tenant) });
    },
  });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!connecting.isPending) connecting.mutate();
  };
  const set = (name: string) => (value: string) => setValues({ ...values, [name]: value });
  const made = connecting.data;
  const isDone = made?.created !== undefined || made?.connected?.is_connected;
  return (
    <>
      <ol className={styles.steps} aria-label="Steps">
        {provider.steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      {!isDone && (
        <form className={layout.form} onSubmit={onSubmit}>
          {provider.fields.map((field) => (
            <Field
              key={field.name}
              label={field.is_required ? field.label : `${field.label} (may be left empty)`}
              help={field.help}
            >
              {(props) => (
                <Input
                  {...props}
                  type={field.kind === 'password' ? 'password' : 'text'}
                  value={values[field.name] ?? ''}
                  onChange={set(field.name)}
                  required={field.is_required}
                  autoComplete="off"
                  spellCheck={false}
                />
              )}
            </Field>
          ))}
          {!isByCall && (
            <>
              <Field
                label="Signing key"
                help="As the provider shows it. Left empty where the sender takes one of our choice: then one is made."
              >
                {(props) => (
                  <Input
                    {...props}
                    type="password"
                    value={signingKey}
                    onChange={setSigningKey}
                    autoComplete="off"
                  />
                )}
              </Field>
              <Field
                label="Account IDs (may be left empty)"
                help="The company’s ids in every form that its deliveries name it, with a comma between them."
              >
                {(props) => <Input {...props} value={accounts} onChange={setAccounts} />}
              </Field>
            </>
          )}
          <Refused error={connecting.error} what="It was not connected" />
          {made?.connected && <Done steps={made.connected.steps} />}
          <div>
            <Button type="submit" look="primary" disabled={connecting.isPending}>
              {connecting.isPending ? 'Connecting…' : made ? 'Go on from there' : 'Connect'}
            </Button>
          </div>
        </form>
      )}
      {made?.connected?.is_connected && made.connected.source && (
        <>
          <Done steps={made.connected.steps} />
          <Proof tenant={tenant} source={made.connected.source.source_id} name={provider.name} />
        </>
      )}
      {made?.created && (
        <>
          <Note look="done">The source is there. {made.created.set_up}</Note>
          {(made.created.webhooks.length > 0 || made.created.signing_key) && (
            <Once
              title="To be entered at the provider, shown this once"
              lines={[
                ...made.created.webhooks.map(({ event, url }) => ({
                  label: event ? `URL for ${plain(event).toLowerCase()}` : 'URL',
                  text: url,
                })),
                ...(made.created.signing_key
                  ? [{ label: 'Signing key', text: made.created.signing_key }]
                  : []),
              ]}
            />
          )}
          <Proof tenant={tenant} source={made.created.source.source_id} name={provider.name} />
        </>
      )}
    </>
  );
}

type Made = { connected?: Schemas['ConnectedSource']; created?: Schemas['CreatedSource'] };

async function connect(
  tenant: string,
  { provider, fields, is_connected_by_call }: Provider,
  values: Values,
  signingKey: string,
  accounts: string,
): Promise<Made> {
  const given = fields.filter((field) => values[field.name]?.trim());
  const settings = Object.fromEntries(
    given
      .filter((field) => field.name !== 'secret')
      .map((field) => [field.name, values[field.name]?.trim() ?? '']),
  );
  const secret = values.secret?.trim();
  if (is_connected_by_call) {
    return { connected: await connectSource(tenant, { provider, settings, ...(secret && { secret }) }) };
  }
  if (secret) await setSecret(tenant, provider, { provider, secret, settings });
  const ids = accounts
    .split(',')
    .map((id) => id.trim())
    .filter(Boolean);
  const body = { provider, accounts: ids, ...(signingKey && { signing_key: signingKey }) };
  return { created: await createSource(tenant, body) };
}

function Done({ steps }: { steps: readonly Schemas['ConnectStep'][] }) {
  return (
    <ol className={styles.done} aria-label="What was done">
      {steps.map((step) => (
        <li key={step.step} data-done={step.is_done}>
          <span aria-hidden>{step.is_done ? '✓' : '✕'}</span>
          <span>
            <strong>{plain(step.step)}</strong>
            <span className="hidden-but-read">{step.is_done ? ', done' : ', failed'}</span>: {step.detail}
          </span>
        </li>
      ))}
    </ol>
  );
}

/** Sends a test delivery, which proves the way in. */
function Proof({ tenant, source, name }: { tenant: string; source: string; name: string }) {
  const testing = useMutation({ mutationFn: () => testSource(tenant, source) });
  return (
    <section className={styles.proof} aria-label="Test">
      {testing.data && (
        <Note {...(testing.data.is_arrived ? { look: 'done' as const } : {})}>{testing.data.detail}</Note>
      )}
      <Refused error={testing.error} what="The test could not be sent" />
      <div className={layout.buttons}>
        <Button look="primary" disabled={testing.isPending} onClick={() => testing.mutate()}>
          {testing.isPending ? 'Testing…' : 'Send a test'}
        </Button>
        <Link to="/t/$tenant/sources/$id" params={{ tenant, id: source }} className={buttonClass()}>
          See {name}
        </Link>
      </div>
    </section>
  );
}
