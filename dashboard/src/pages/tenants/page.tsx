import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { keys } from '../../api/keys';
import { meQuery } from '../../api/queries';
import {
  create,
  MOST_TENANTS,
  type Needs,
  needsQuery,
  rename,
  resume,
  suspend,
  type Tenant,
} from '../../api/tenants';
import { number } from '../../text/format';
import Button from '../../ui/button/button';
import Confirm from '../../ui/confirm/confirm';
import Empty from '../../ui/empty/empty';
import FailureNote from '../../ui/failure/failure';
import Field, { Check, Input } from '../../ui/field/field';
import layout from '../../ui/layout/layout.module.css';
import Modal, { modalActions } from '../../ui/modal/modal';
import Note from '../../ui/note/note';
import Refused from '../../ui/note/refused';
import PageHead from '../../ui/page-head/page-head';
import Rows, { type Column } from '../../ui/rows/rows';
import Skeleton from '../../ui/skeleton/skeleton';
import Text from '../../ui/text/text';
import { needsOf } from './needs';
import styles from './page.module.css';
import { slugFault, slugOf } from './slug';

/** What is open over the page. */
type Open = { kind: 'create' } | { kind: 'rename' | 'suspend' | 'resume'; tenant: Tenant } | null;

/** The companies that somebody sees, by need. Who administers the installation creates, renames and suspends them. */
export default function Tenants() {
  const me = useQuery(meQuery);
  return (
    <div className={layout.page}>
      {me.data ? (
        <Companies isAdministered={me.data.role === 'platform_admin'} named={me.data.tenants} />
      ) : (
        <>
          <PageHead name="Companies" />
          {me.isError ? (
            <FailureNote error={me.error} onRetry={() => void me.refetch()} />
          ) : (
            <Skeleton rows={5} height={44} />
          )}
        </>
      )}
    </div>
  );
}

/** A company, with what waits there where that is known. */
type Company = Tenant | Needs;
const isLookedAt = (one: Company): one is Needs => 'stuck' in one;

function Companies({
  isAdministered,
  named,
}: {
  isAdministered: boolean;
  /** Those that the person sees: they are listed also where nobody can say what waits there. */
  named: readonly Tenant[];
}) {
  const cache = useQueryClient();
  const list = useQuery(needsQuery);
  const [open, setOpen] = useState<Open>(null);
  const [told, setTold] = useState<{ words: string; tenant: Tenant; isNew: boolean } | null>(null);
  const done = async (words: string, tenant: Tenant, isNew = false) => {
    setOpen(null);
    setTold({ words, tenant, isNew });
    await Promise.all([
      cache.invalidateQueries({ queryKey: keys.tenants }),
      cache.invalidateQueries({ queryKey: keys.me }),
    ]);
  };
  const close = () => setOpen(null);
  const isUnread = list.isError && !list.data;
  const tenants: readonly Company[] = list.data?.items ?? (isUnread ? named : []);
  return (
    <>
      <PageHead
        name="Companies"
        lead="Those first that need somebody: where leads are lost or wait. Each has leads, people and a set-up of its own, and sees nothing of another."
      >
        {isAdministered && <Button onClick={() => setOpen({ kind: 'create' })}>Create a company</Button>}
      </PageHead>
      {told && (
        <Note look="done">
          <Text>{told.tenant.name}</Text> {told.words}
          {told.isNew && (
            <>
              {' '}
              <Link to="/t/$tenant/settings/people" params={{ tenant: told.tenant.tenant_id }}>
                Invite who administers it
              </Link>
              .
            </>
          )}
        </Note>
      )}
      {isUnread && tenants.length > 0 && (
        <div role="alert" className={styles.unread}>
          What waits in each company cannot be read now. The way to each works.{' '}
          <Button disabled={list.isFetching} onClick={() => void list.refetch()}>
            Try again
          </Button>
        </div>
      )}
      {list.isPending ? (
        <Skeleton rows={5} height={44} />
      ) : isUnread && tenants.length === 0 ? (
        <FailureNote
          error={list.error}
          what="The companies cannot be read."
          onRetry={() => void list.refetch()}
        />
      ) : tenants.length === 0 ? (
        <Empty title="No company yet">
          {isAdministered
            ? 'Create the first one, and invite who administers it.'
            : 'Ask who administers a company to invite you.'}
        </Empty>
      ) : (
        <Listed tenants={tenants} onOpen={isAdministered ? setOpen : undefined} />
      )}
      {open?.kind === 'create' && (
        <Create onClose={close} onDone={(tenant) => void done('is there.', tenant, true)} />
      )}
      {open?.kind === 'rename' && (
        <Rename
          tenant={open.tenant}
          onClose={close}
          onDone={(tenant) => void done('is its name now.', tenant)}
        />
      )}
      {open?.kind === 'suspend' && (
        <Confirm
          title={`Suspend ${open.tenant.name}?`}
          act="Suspend"
          typed={open.tenant.tenant_id}
          onClose={close}
          onAct={async () => done('is suspended.', await suspend(open.tenant.tenant_id))}
        >
          Its webhooks are refused as if it did not exist, within 5 seconds: what its providers do not send
          again is lost. What was taken before is still worked on.
        </Confirm>
      )}
      {open?.kind === 'resume' && (
        <Confirm
          title={`Let ${open.tenant.name} take part again?`}
          act="Resume"
          onClose={close}
          onAct={async () => done('takes part again.', await resume(open.tenant.tenant_id))}
        >
          Its webhooks are taken again within 5 seconds.
        </Confirm>
      )}
    </>
  );
}

function Listed({
  tenants,
  onOpen,
}: {
  tenants: readonly Company[];
  /** Opens what can be done about one; left out where nothing can. */
  onOpen?: ((open: Open) => void) | undefined;
}) {
  const [text, setText] = useState('');
  const [isNeedy, setNeedy] = useState(false);
  const sought = text.trim().toLowerCase();
  const found = tenants.filter(
    (one) =>
      (one.name.toLowerCase().includes(sought) || one.tenant_id.includes(sought)) &&
      (!isNeedy || !isLookedAt(one) || needsOf(one).length > 0),
  );
  const columns: Column<Company>[] = [
    {
      name: 'Company',
      of: ({ tenant_id, name }) => (
        <>
          <Link to="/t/$tenant" params={{ tenant: tenant_id }} className={styles.name}>
            <Text>{name}</Text>
          </Link>
          <div className={layout.faint}>
            <code>{tenant_id}</code>
          </div>
        </>
      ),
    },
    {
      name: 'State',
      fits: true,
      of: ({ status }) => (
        <span className={styles.state} data-state={status}>
          {status === 'active' ? '✓ takes leads' : '✕ suspended'}
        </span>
      ),
    },
    { name: 'Needs', of: (tenant) => (isLookedAt(tenant) ? <Needed of={tenant} /> : '–') },
  ];
  if (onOpen) {
    columns.push({
      name: 'What can be done',
      isBare: true,
      fits: true,
      of: (tenant) => {
        const next = tenant.status === 'active' ? 'suspend' : 'resume';
        return (
          <div className={styles.acts}>
            <Button onClick={() => onOpen({ kind: 'rename', tenant })}>
              Rename…<span className="hidden-but-read"> {tenant.name}</span>
            </Button>
            <Button onClick={() => onOpen({ kind: next, tenant })}>
              {next === 'suspend' ? 'Suspend…' : 'Resume…'}
              <span className="hidden-but-read"> {tenant.name}</span>
            </Button>
          </div>
        );
      },
    });
  }
  return (
    <>
      <div className={layout.pair}>
        <Field label="Find a company">
          {(props) => <Input {...props} type="search" value={text} onChange={setText} autoComplete="off" />}
        </Field>
      </div>
      <Check isOn={isNeedy} onChange={setNeedy}>
        Only those that need somebody
      </Check>
      {found.length === 0 ? (
        <Empty
          title={sought ? 'No company is called so' : 'No company needs anybody'}
          actions={
            <Button
              onClick={() => {
                setText('');
                setNeedy(false);
              }}
            >
              Show all of them
            </Button>
          }
        >
          {sought && isNeedy && 'Those that need nobody are left out.'}
        </Empty>
      ) : (
        <Rows label="Companies" columns={columns} rows={found} keyOf={(one) => one.tenant_id} />
      )}
      {tenants.length >= MOST_TENANTS && (
        <p className={layout.faint}>These are the first {number(MOST_TENANTS)}, by their short names.</p>
      )}
    </>
  );
}

/** What waits for somebody in a company, each a way there. */
function Needed({ of }: { of: Needs }) {
  const needs = needsOf(of);
  if (needs.length === 0) return <span className={layout.faint}>nobody</span>;
  return (
    <div className={styles.needs}>
      {needs.map(({ words, to, search, look }) => (
        <Link
          key={words}
          to={to}
          params={{ tenant: of.tenant_id }}
          search={search ?? {}}
          className={styles.need}
          data-look={look}
        >
          {words}
        </Link>
      ))}
    </div>
  );
}

function Create({ onClose, onDone }: { onClose: () => void; onDone: (tenant: Tenant) => void }) {
  const [name, setName] = useState('');
  const [own, setOwn] = useState<string | null>(null);
  const slug = own ?? slugOf(name);
  const fault = slugFault(slug);
  const making = useMutation({
    mutationFn: () => create({ name: name.trim(), tenant_id: slug }),
    onSuccess: onDone,
  });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!making.isPending) making.mutate();
  };
  return (
    <Modal title="Create a company" onClose={onClose}>
      <form className={layout.form} onSubmit={onSubmit}>
        <Field label="Name" help="As people read it. It can be changed.">
          {(props) => (
            <Input {...props} value={name} onChange={setName} required maxLength={200} autoComplete="off" />
          )}
        </Field>
        <Field
          label="Short name"
          help="It stands in addresses and for programs, and stays for ever."
          error={fault}
        >
          {(props) => <Input {...props} value={slug} onChange={setOwn} required autoComplete="off" />}
        </Field>
        <Refused error={making.error} what="It was not created" />
        <div className={modalActions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            look="primary"
            disabled={!name.trim() || !slug || Boolean(fault) || making.isPending}
          >
            {making.isPending ? 'Creating…' : 'Create'}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

function Rename({
  tenant,
  onClose,
  onDone,
}: {
  tenant: Tenant;
  onClose: () => void;
  onDone: (tenant: Tenant) => void;
}) {
  const [name, setName] = useState(tenant.name);
  const renaming = useMutation({
    mutationFn: () => rename(tenant.tenant_id, name.trim()),
    onSuccess: onDone,
  });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!renaming.isPending) renaming.mutate();
  };
  return (
    <Modal title={`Rename ${tenant.name}`} onClose={onClose}>
      <form className={layout.form} onSubmit={onSubmit}>
        <Field
          label="Name"
          help={`As people read it, from now on. Its short name stays ${tenant.tenant_id}.`}
        >
          {(props) => (
            <Input {...props} value={name} onChange={setName} required maxLength={200} autoComplete="off" />
          )}
        </Field>
        <Refused error={renaming.error} what="It was not renamed" />
        <div className={modalActions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            look="primary"
            disabled={!name.trim() || name.trim() === tenant.name || renaming.isPending}
          >
            {renaming.isPending ? 'Renaming…' : 'Rename'}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
