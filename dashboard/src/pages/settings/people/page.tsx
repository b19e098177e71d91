import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import type { Schemas } from '../../../api/client';
import { keys } from '../../../api/keys';
import {
  giveRole,
  invitationsQuery,
  invite,
  peopleQuery,
  ROLES,
  type Role,
  removePerson,
  withdraw,
} from '../../../api/people';
import { meQuery } from '../../../api/queries';
import { useRefusal } from '../../../shell/role';
import { roleName } from '../../../text/words';
import Button from '../../../ui/button/button';
import Confirm from '../../../ui/confirm/confirm';
import Empty from '../../../ui/empty/empty';
import FailureNote from '../../../ui/failure/failure';
import Field, { Input, Select } from '../../../ui/field/field';
import Forbidden from '../../../ui/forbidden/forbidden';
import layout from '../../../ui/layout/layout.module.css';
import Note from '../../../ui/note/note';
import Refused from '../../../ui/note/refused';
import Once from '../../../ui/once/once';
import Rows, { type Column } from '../../../ui/rows/rows';
import Skeleton from '../../../ui/skeleton/skeleton';
import Text from '../../../ui/text/text';
import Time from '../../../ui/time/time';
import SettingsHead from '../head';
import styles from '../settings.module.css';

type Person = Schemas['TenantPerson'];

const LEAD =
  'Who belongs to the company, and what they may do. A viewer reads; an operator also decides about leads and redrives; an administrator also changes how the company is set up.';

export default function People() {
  const { tenant } = useParams({ from: '/t/$tenant/settings/people' });
  const refusal = useRefusal('tenant_admin');
  const me = useQuery(meQuery);
  return (
    <>
      <SettingsHead name="People" lead={LEAD} />
      {me.isPending ? (
        <Skeleton rows={3} height={44} />
      ) : refusal ? (
        <Forbidden refusal={refusal} />
      ) : (
        <div className={layout.page}>
          <Invite tenant={tenant} />
          <Invitations tenant={tenant} />
          <List tenant={tenant} />
        </div>
      )}
    </>
  );
}

function Invite({ tenant }: { tenant: string }) {
  const cache = useQueryClient();
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const inviting = useMutation({
    mutationFn: () => invite(tenant, email.trim(), role),
    onSuccess: () => {
      setEmail('');
      return cache.invalidateQueries({ queryKey: keys.people(tenant) });
    },
  });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!inviting.isPending) inviting.mutate();
  };
  const made = inviting.data;
  return (
    <section className={layout.card} aria-labelledby="invite">
      <h2 id="invite">Invite somebody</h2>
      <form className={layout.row} onSubmit={onSubmit}>
        <Field label="E-mail address">
          {(props) => (
            <Input {...props} type="email" value={email} onChange={setEmail} maxLength={254} required />
          )}
        </Field>
        <Field label="Role">
          {(props) => (
            <Select {...props} value={role} onChange={(next) => setRole(next as Role)}>
              {ROLES.map((one) => (
                <option key={one} value={one}>
                  {roleName(one)}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Button type="submit" look="primary" disabled={!email.trim() || inviting.isPending}>
          {inviting.isPending ? 'Inviting…' : 'Invite'}
        </Button>
      </form>
      <Refused error={inviting.error} what="Nobody was invited" />
      {made && (
        <>
          <Note look="done">
            <bdi>{made.invitation.email}</bdi> is invited. {MAILED[made.mail]}
          </Note>
          {made.code && (
            <Once
              title="Hand this over: it signs the person in, once, and is shown this once"
              lines={[
                ...(made.link ? [{ label: 'Link', text: made.link }] : []),
                { label: 'Code', text: made.code },
              ]}
            />
          )}
        </>
      )}
    </section>
  );
}

const MAILED: Record<Schemas['Mailed'], string> = {
  sent: 'A mail with the link is on its way.',
  failed: 'The mail could not be sent. Withdraw the invitation and invite again, or ask who runs this.',
  no_sender: 'This installation sends no mail, so the link has to be handed over.',
};

function Invitations({ tenant }: { tenant: string }) {
  const cache = useQueryClient();
  const list = useQuery(invitationsQuery(tenant));
  const withdrawing = useMutation({
    mutationFn: (id: string) => withdraw(tenant, id),
    onSettled: () => cache.invalidateQueries({ queryKey: keys.people(tenant) }),
  });
  if (list.isPending) return <Skeleton rows={1} height={44} />;
  if (list.isError) return <FailureNote error={list.error} what="The invitations cannot be read." />;
  if (list.data.items.length === 0) return null;
  const columns: Column<Schemas['Invitation']>[] = [
    { name: 'Invited', of: (one) => <Text>{one.email}</Text> },
    { name: 'Role', fits: true, of: (one) => roleName(one.role) },
    { name: 'By', of: (one) => <Text>{one.invited_by}</Text> },
    {
      name: 'Until',
      fits: true,
      of: (one) => (one.is_expired ? 'expired' : <Time at={one.expires_at} />),
    },
    {
      name: 'Withdraw',
      isBare: true,
      fits: true,
      of: (one) => (
        <Button
          disabled={withdrawing.isPending && withdrawing.variables === one.invitation_id}
          onClick={() => withdrawing.mutate(one.invitation_id)}
        >
          Withdraw<span className="hidden-but-read"> the invitation of {one.email}</span>
        </Button>
      ),
    },
  ];
  return (
    <>
      <Refused error={withdrawing.error} what="It was not withdrawn" />
      <Rows label="Invitations" columns={columns} rows={list.data.items} keyOf={(one) => one.invitation_id} />
    </>
  );
}

function List({ tenant }: { tenant: string }) {
  const cache = useQueryClient();
  const list = useInfiniteQuery(peopleQuery(tenant));
  const me = useQuery(meQuery).data;
  const [removed, setRemoved] = useState<Person | null>(null);
  const changing = useMutation({
    mutationFn: ({ user, role }: { user: string; role: Role }) => giveRole(tenant, user, role),
    onSettled: () => cache.invalidateQueries({ queryKey: keys.people(tenant) }),
  });
  const people = list.data?.pages.flatMap((page) => page.items) ?? [];
  if (list.isPending) return <Skeleton rows={3} height={44} />;
  if (list.isError && people.length === 0) {
    return (
      <FailureNote error={list.error} what="The people cannot be read." onRetry={() => void list.refetch()} />
    );
  }
  if (people.length === 0) {
    return (
      <Empty title="Nobody belongs to it yet">
        Whoever accepts an invitation stands here. Those who run this installation do not.
      </Empty>
    );
  }
  const columns: Column<Person>[] = [
    {
      name: 'Who',
      of: (one) => (
        <>
          <span className={styles.name}>
            <Text>{one.name || one.email}</Text>
          </span>
          {one.name && (
            <div className={layout.faint}>
              <Text>{one.email}</Text>
            </div>
          )}
        </>
      ),
    },
    { name: 'Since', fits: true, of: (one) => <Time at={one.since} /> },
    {
      name: 'Role',
      fits: true,
      of: (one) => (
        <Select
          aria-label={`Role of ${one.email}`}
          value={one.role}
          disabled={changing.isPending}
          onChange={(role) => changing.mutate({ user: one.user_id, role: role as Role })}
        >
          {ROLES.map((role) => (
            <option key={role} value={role}>
              {roleName(role)}
            </option>
          ))}
        </Select>
      ),
    },
    {
      name: 'Remove',
      isBare: true,
      fits: true,
      of: (one) => (
        <Button onClick={() => setRemoved(one)}>
          Remove…<span className="hidden-but-read"> {one.email}</span>
        </Button>
      ),
    },
  ];
  return (
    <>
      <Refused error={changing.error} what="The role was not changed" />
      <Rows
        label="People"
        columns={columns}
        rows={people}
        keyOf={(one) => one.user_id}
        onMore={list.hasNextPage ? () => void list.fetchNextPage() : undefined}
        isFetching={list.isFetchingNextPage}
      />
      <p className={layout.faint}>A new role counts from the person’s next token on: within 10 minutes.</p>
      {removed && (
        <Confirm
          title={`Remove ${removed.name || removed.email}?`}
          act="Remove"
          onClose={() => setRemoved(null)}
          onAct={async () => {
            await removePerson(tenant, removed.user_id);
            await cache.invalidateQueries({ queryKey: keys.people(tenant) });
          }}
        >
          {removed.email === me?.email ? 'That is you: this company closes to you. ' : ''}
          They see nothing of this company from their next token on, within 10 minutes. What they did stays in
          the audit log.
        </Confirm>
      )}
    </>
  );
}
