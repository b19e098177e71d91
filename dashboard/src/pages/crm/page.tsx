import { useMutation, useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import type { Schemas } from '../../api/client';
import { configQuery } from '../../api/config-query';
import { connectionsQuery, setSecret } from '../../api/connections';
import { keys } from '../../api/keys';
import { officesQuery } from '../../api/queries';
import { useRefusal } from '../../shell/role';
import { readSettings } from '../../text/lists';
import { plain, providerName } from '../../text/words';
import Button, { buttonClass } from '../../ui/button/button';
import ConnectionState from '../../ui/connection-state/connection-state';
import Empty from '../../ui/empty/empty';
import FailureNote from '../../ui/failure/failure';
import Field, { Input, TextArea } from '../../ui/field/field';
import layout from '../../ui/layout/layout.module.css';
import Modal, { modalActions } from '../../ui/modal/modal';
import Refused from '../../ui/note/refused';
import PageHead from '../../ui/page-head/page-head';
import Rows, { type Column } from '../../ui/rows/rows';
import { useNewSecret } from '../../ui/secret-form/use-new-secret';
import Skeleton from '../../ui/skeleton/skeleton';
import Text from '../../ui/text/text';
import styles from './page.module.css';
import ConnectionTest from './parts/connection-test';

type Connection = Schemas['Connection'];

/** The accounts by which leads go out and come in, and whether their providers take them. */
export default function Crm() {
  const { tenant } = useParams({ from: '/t/$tenant/crm' });
  const refusal = useRefusal('tenant_admin');
  const connections = useQuery(connectionsQuery(tenant));
  const offices = useQuery(officesQuery(tenant)).data?.items ?? [];
  const configs = useQueries({ queries: offices.map((office) => configQuery(tenant, office.office_id)) });
  const secret = useNewSecret(tenant);
  const [tested, setTested] = useState<Connection | null>(null);
  const [isAdding, setAdding] = useState(false);
  const items = connections.data?.items ?? [];
  const officesOf = (connection: string): string[] =>
    offices.flatMap((office, at) =>
      configs[at]?.data?.config.destinations?.some((one) => one.connection === connection)
        ? [office.name]
        : [],
    );
  const isConfigUnread = configs.some((one) => one.isError);
  const added = (set: Schemas['SecretSet']) => {
    setAdding(false);
    secret.tell(set);
  };
  const columns: Column<Connection>[] = [
    {
      name: 'Connection',
      of: (one) => (
        <>
          <span className={styles.name}>{providerName(one.provider)}</span>
          {one.name !== one.provider && (
            <span className={layout.faint}>
              {' '}
              <Text>{one.name}</Text>
            </span>
          )}
        </>
      ),
    },
    {
      name: 'State',
      fits: true,
      of: (one) => <ConnectionState state={one.state} />,
    },
    {
      name: 'Gets leads of',
      of: (one) => {
        const names = officesOf(one.name);
        return names.length > 0 ? <Text>{names.join(', ')}</Text> : '–';
      },
    },
    {
      name: 'Account',
      of: (one) => {
        const settings = Object.entries(one.settings);
        return settings.length > 0
          ? settings.map(([name, value]) => (
              <div key={name}>
                {plain(name)} <Text>{value}</Text>
              </div>
            ))
          : '–';
      },
    },
    {
      name: 'What can be done',
      isBare: true,
      fits: true,
      of: (one) => (
        <div className={styles.acts}>
          {one.uses.includes('crm') && (
            <Link
              className={buttonClass()}
              to="/t/$tenant/crm/$connection/mapping"
              params={{ tenant, connection: one.name }}
            >
              Fields<span className="hidden-but-read"> of {providerName(one.provider)}</span>
            </Link>
          )}
          <Button refusal={refusal} onClick={() => setTested(one)}>
            Test<span className="hidden-but-read"> {providerName(one.name)}</span>
          </Button>
          <Button refusal={refusal} onClick={() => secret.ask(one.name)}>
            New secret…<span className="hidden-but-read"> for {providerName(one.name)}</span>
          </Button>
        </div>
      ),
    },
  ];
  return (
    <div className={layout.page}>
      <PageHead
        name="CRM"
        lead="The company’s accounts at its CRM, its mail provider and its sources. Whoever’s secret is refused keeps its leads waiting until there is a new one."
      >
        <Button refusal={refusal} onClick={() => setAdding(true)}>
          Add a connection
        </Button>
      </PageHead>
      {secret.told}
      {isConfigUnread && <p role="alert">Which offices send leads where cannot be read now.</p>}
      {connections.isPending ? (
        <Skeleton rows={5} height={44} />
      ) : connections.isError && items.length === 0 ? (
        <FailureNote
          error={connections.error}
          what="The connections cannot be read."
          onRetry={() => void connections.refetch()}
        />
      ) : items.length === 0 ? (
        <Empty title="No connection yet">
          With a CRM connected, leads land where you sell. It takes a token of its account.
        </Empty>
      ) : (
        <Rows label="Connections" columns={columns} rows={items} keyOf={(one) => one.name} />
      )}
      {secret.form}
      {tested && <ConnectionTest tenant={tenant} of={tested} onClose={() => setTested(null)} />}
      {isAdding && <Add tenant={tenant} onClose={() => setAdding(false)} onDone={added} />}
    </div>
  );
}

function Add({
  tenant,
  onClose,
  onDone,
}: {
  tenant: string;
  onClose: () => void;
  onDone: (set: Schemas['SecretSet']) => void;
}) {
  const cache = useQueryClient();
  const [name, setName] = useState('');
  const [provider, setProvider] = useState('hubspot');
  const [secret, setSecretText] = useState('');
  const [written, setWritten] = useState('');
  const { settings, faults } = readSettings(written);
  const adding = useMutation({
    mutationFn: () =>
      setSecret(tenant, name.trim(), {
        provider: provider.trim(),
        secret,
        ...(Object.keys(settings).length > 0 && { settings }),
      }),
    onSuccess: (set) => {
      void cache.invalidateQueries({ queryKey: keys.connections(tenant) });
      onDone(set);
    },
  });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!adding.isPending && faults.length === 0) adding.mutate();
  };
  return (
    <Modal title="Add a connection" onClose={onClose}>
      <form className={layout.form} onSubmit={onSubmit}>
        <Field label="Name" help="What you call it, such as our-crm. Rules name it.">
          {(props) => <Input {...props} value={name} onChange={setName} required autoComplete="off" />}
        </Field>
        <Field label="Provider" help="The provider’s short name, such as hubspot, sendgrid or slack.">
          {(props) => <Input {...props} value={provider} onChange={setProvider} required />}
        </Field>
        <Field label="Secret" help="An API key or an access token. It is kept sealed and never shown again.">
          {(props) => (
            <Input
              {...props}
              type="password"
              value={secret}
              onChange={setSecretText}
              required
              maxLength={8192}
              autoComplete="off"
            />
          )}
        </Field>
        <Field
          label="Settings"
          help="What the account needs beside its secret, a line for each, as in channel: C0123456789. Most need none; a missing one is told."
          error={faults[0]}
        >
          {(props) => (
            <TextArea {...props} value={written} onChange={setWritten} rows={2} spellCheck={false} />
          )}
        </Field>
        <Refused error={adding.error} what="It was not added" />
        <div className={modalActions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            look="primary"
            disabled={!name.trim() || !secret || faults.length > 0 || adding.isPending}
          >
            {adding.isPending ? 'Adding…' : 'Add'}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
