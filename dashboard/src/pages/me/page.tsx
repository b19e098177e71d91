import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { isZone } from '../../api/preferences';
import { meQuery } from '../../api/queries';
import { signOut } from '../../api/sign-in';
import { useOfficeZone } from '../../shell/office';
import { usePreferences } from '../../shell/preferences';
import { roleName } from '../../text/words';
import Button from '../../ui/button/button';
import Facts, { Fact } from '../../ui/facts/facts';
import FailureNote from '../../ui/failure/failure';
import Field, { Check, Input, Select } from '../../ui/field/field';
import layout from '../../ui/layout/layout.module.css';
import Note from '../../ui/note/note';
import Refused from '../../ui/note/refused';
import PageHead from '../../ui/page-head/page-head';
import Rows, { type Column } from '../../ui/rows/rows';
import Skeleton from '../../ui/skeleton/skeleton';
import Text from '../../ui/text/text';
import Time from '../../ui/time/time';
import { deviceName } from './device';
import { devicesQuery, signDeviceOut } from './queries';

const zones: readonly string[] = Intl.supportedValuesOf('timeZone');

/** Who is signed in, what they prefer, and where else they are signed in. */
export default function MePage() {
  const me = useQuery(meQuery);
  return (
    <div className={layout.page}>
      <PageHead name="You" lead="What you prefer goes with you to each of your devices." />
      {me.data ? (
        <>
          <Who me={me.data} />
          <Prefers />
          <Devices />
        </>
      ) : me.isError ? (
        <FailureNote error={me.error} what="Who you are cannot be read." onRetry={() => void me.refetch()} />
      ) : (
        <Skeleton rows={3} height={140} />
      )}
    </div>
  );
}

function Who({ me }: { me: Schemas['Me'] }) {
  return (
    <section className={layout.card} aria-labelledby="who">
      <h2 id="who">Who you are</h2>
      <Facts>
        {me.name && (
          <Fact name="Name">
            <Text>{me.name}</Text>
          </Fact>
        )}
        {me.email && (
          <Fact name="E-mail">
            <Text>{me.email}</Text>
          </Fact>
        )}
        <Fact name="In the log">
          <Text>{me.subject}</Text>
        </Fact>
        {me.tenants.map((one) => (
          <Fact key={one.tenant_id} name="Role">
            {one.role ? roleName(one.role) : 'None'} at <Text>{one.name}</Text>
          </Fact>
        ))}
      </Facts>
    </section>
  );
}

function Prefers() {
  const { preferences, change, error } = usePreferences();
  const office = useOfficeZone();
  const [zone, setZone] = useState(preferences.zone ?? '');
  const isRead = zone.trim() === '' || isZone(zone.trim());
  return (
    <section className={layout.card} aria-labelledby="prefers">
      <h2 id="prefers">What you prefer</h2>
      <div className={layout.form}>
        <Field label="Theme">
          {(props) => (
            <Select
              {...props}
              value={preferences.theme}
              onChange={(theme) =>
                change({ theme: theme === 'light' || theme === 'dark' ? theme : 'system' })
              }
            >
              <option value="system">As the system</option>
              <option value="light">Light</option>
              <option value="dark">Dark</option>
            </Select>
          )}
        </Field>
        <Field
          label="Lists"
          help="Compact ones show more leads at once. On a touch screen they stay as they are."
        >
          {(props) => (
            <Select
              {...props}
              value={preferences.density}
              onChange={(density) => change({ density: density === 'compact' ? density : 'usual' })}
            >
              <option value="usual">Usual</option>
              <option value="compact">Compact</option>
            </Select>
          )}
        </Field>
        <Field
          label="Time zone"
          help={`Left empty: the office’s, ${office}. Days are always the office’s.`}
          error={isRead ? undefined : 'There is no such zone. Write one as America/Denver.'}
        >
          {(props) => (
            <Input
              {...props}
              list="zones"
              value={zone}
              autoComplete="off"
              onChange={(next) => {
                setZone(next);
                if (next.trim() === '' || isZone(next.trim())) change({ zone: next.trim() || null });
              }}
            />
          )}
        </Field>
        <datalist id="zones">
          {zones.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
        <Check isOn={preferences.hasLetters} onChange={(hasLetters) => change({ hasLetters })}>
          Single letters are keys. Who dictates, or types with other keys, may want them off; everything can
          be reached without.
        </Check>
      </div>
      <Refused error={error} what="It was not saved" />
    </section>
  );
}

function Devices() {
  const cache = useQueryClient();
  const navigate = useNavigate();
  const devices = useQuery(devicesQuery);
  const items = devices.data?.items ?? [];
  const others = items.filter((one) => !one.is_this);
  const leaving = useMutation({
    mutationFn: async (gone: readonly Schemas['Device'][]) => {
      for (const one of gone) await signDeviceOut(one.device_id);
      return gone.length;
    },
    onSettled: () => cache.invalidateQueries({ queryKey: devicesQuery.queryKey }),
  });
  const leaveHere = async () => {
    await signOut().catch(() => {});
    await navigate({ to: '/sign-in', search: {} });
  };
  const columns: Column<Schemas['Device']>[] = [
    {
      name: 'Device',
      of: (one) => (
        <>
          <span title={one.user_agent}>
            <Text>{deviceName(one.user_agent)}</Text>
          </span>
          {one.is_this && <strong> · this one</strong>}
        </>
      ),
    },
    { name: 'Address', fits: true, of: (one) => <Text>{one.address}</Text> },
    { name: 'Signed in', fits: true, of: (one) => <Time at={one.signed_in_at} /> },
    { name: 'Last used', fits: true, of: (one) => <Time at={one.last_used_at} /> },
    {
      name: 'Sign out',
      isBare: true,
      fits: true,
      of: (one) => (
        <Button
          disabled={leaving.isPending}
          onClick={() => (one.is_this ? void leaveHere() : leaving.mutate([one]))}
        >
          Sign out
          {one.is_this ? ' here' : <span className="hidden-but-read"> {deviceName(one.user_agent)}</span>}
        </Button>
      ),
    },
  ];
  return (
    <section className={layout.card} aria-labelledby="devices">
      <div className={layout.top}>
        <h2 id="devices">Where you are signed in</h2>
        {others.length > 0 && (
          <span className={layout.end}>
            <Button disabled={leaving.isPending} onClick={() => leaving.mutate(others)}>
              Sign out everywhere else
            </Button>
          </span>
        )}
      </div>
      {devices.isPending ? (
        <Skeleton rows={2} height={36} />
      ) : devices.isError && items.length === 0 ? (
        <FailureNote
          error={devices.error}
          what="Your devices cannot be read."
          onRetry={() => void devices.refetch()}
        />
      ) : items.length === 0 ? (
        <p className={layout.faint}>
          You brought a token of another kind: it is in this tab alone, and ends with it.
        </p>
      ) : (
        <Rows label="Devices" columns={columns} rows={items} keyOf={(one) => one.device_id} />
      )}
      <Refused error={leaving.error} what="It is not signed out" />
      {leaving.data !== undefined && (
        <Note look="done">
          {leaving.data === 1 ? 'It is signed out.' : `${leaving.data} devices are signed out.`} What it was
          doing ends within 10 minutes.
        </Note>
      )}
    </section>
  );
}
