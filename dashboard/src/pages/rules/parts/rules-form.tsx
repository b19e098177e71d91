import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useBlocker } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import type { Schemas } from '../../../api/client';
import type { SavedConfig } from '../../../api/config-query';
import { jobQuery } from '../../../api/jobs';
import { keys } from '../../../api/keys';
import { Failure } from '../../../api/problem';
import { catalogueQuery } from '../../../api/sources';
import { useRefusal } from '../../../shell/role';
import { number } from '../../../text/format';
import { providerName } from '../../../text/words';
import Button from '../../../ui/button/button';
import Field, { Check, Input, TextArea } from '../../../ui/field/field';
import Note from '../../../ui/note/note';
import Refused from '../../../ui/note/refused';
import SpamGauge from '../../../ui/spam-gauge/spam-gauge';
import { foldZips, readList, readTowns, writeTowns } from '../lists';
import styles from '../page.module.css';
import { type Config, diffQuery, saveConfig, tryConfig } from '../queries';
import Difference from './difference';
import Trial from './trial';

const TRIAL_DAYS = 90;

type Written = {
  reviewFrom: string;
  quarantineAbove: string;
  zips: string;
  towns: string;
  destinations: { connection: string; connector: string }[];
  email: string;
  from: string;
  fromName: string;
};

const write = ({ spam, service_area, destinations, notifications }: Config): Written => ({
  reviewFrom: String(spam?.review_from ?? 50),
  quarantineAbove: String(spam?.quarantine_above ?? 85),
  zips: (service_area?.postal_codes ?? []).join(', '),
  towns: writeTowns(service_area?.cities ?? []),
  destinations: destinations ?? [],
  email: (notifications?.email ?? []).join('\n'),
  from: notifications?.from ?? '',
  fromName: notifications?.from_name ?? '',
});

/** What is written, over all that this form does not show. */
const readWritten = (before: Config, written: Written): Config => ({
  ...before,
  spam: {
    ...before.spam,
    review_from: Number(written.reviewFrom),
    quarantine_above: Number(written.quarantineAbove),
  },
  service_area: {
    ...before.service_area,
    postal_codes: readList(written.zips),
    cities: readTowns(written.towns).towns,
  },
  destinations: written.destinations,
  notifications: {
    ...before.notifications,
    email: readList(written.email),
    from: written.from.trim() || null,
    from_name: written.fromName.trim() || null,
  },
});

export default function RulesForm({
  tenant,
  office,
  saved,
  connections,
}: {
  tenant: string;
  office: string;
  saved: SavedConfig;
  connections: readonly Schemas['Connection'][];
}) {
  const cache = useQueryClient();
  const refusal = useRefusal('tenant_admin');
  const [base, setBase] = useState(saved);
  const [written, setWritten] = useState(() => write(saved.config));
  const [note, setNote] = useState('');
  const config = readWritten(base.config, written);
  const isDirty = JSON.stringify(written) !== JSON.stringify(write(base.config));
  const towns = readTowns(written.towns);
  // Whoever has changed nothing sees what others save; whoever has is asked when they save.
  if (!isDirty && saved.version !== base.version) {
    setBase(saved);
    setWritten(write(saved.config));
  }
  useBlocker({
    shouldBlockFn: () => isDirty && !confirm('Leave without saving your changes?'),
    enableBeforeUnload: () => isDirty,
  });
  const trying = useMutation({ mutationFn: () => tryConfig(tenant, office, config, TRIAL_DAYS) });
  const job = useQuery({
    ...jobQuery(tenant, trying.data?.job_id ?? ''),
    enabled: trying.data !== undefined,
  }).data;
  const saving = useMutation({
    mutationFn: (upon: number) => saveConfig(tenant, office, upon, config, note.trim()),
    onSuccess: (next) => {
      setBase(next);
      setWritten(write(next.config));
      setNote('');
      trying.reset();
    },
    onSettled: () => cache.invalidateQueries({ queryKey: keys.configs(tenant) }),
  });
  const isBeaten = saving.error instanceof Failure && saving.error.status === 412;
  const set = (name: keyof Written) => (value: string) => setWritten({ ...written, [name]: value });
  const faultOf = (field: string) =>
    saving.error instanceof Failure
      ? saving.error.fields.find((fault) => fault.field === field || fault.field === `config.${field}`)
          ?.message
      : undefined;
  const toggle = (connection: Schemas['Connection']) => (isOn: boolean) => {
    const others = written.destinations.filter((one) => one.connection !== connection.name);
    const added = { connection: connection.name, connector: connection.provider };
    setWritten({ ...written, destinations: isOn ? [...others, added] : others });
  };
  const chosen = new Set(written.destinations.map((one) => one.connection));
  const catalogue = useQuery(catalogueQuery(tenant)).data?.items ?? [];
  const isSource = new Set(catalogue.map((one) => one.provider));
  // A mail provider or a source's account gets no leads; one that is chosen stays in sight, whatever it is.
  const crms = connections.filter((one) => !isSource.has(one.provider) || chosen.has(one.name));
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!refusal && isDirty && towns.faults.length === 0 && !saving.isPending) saving.mutate(base.version);
  };
  const zips = readList(written.zips);
  return (
    <form className={styles.form} onSubmit={onSubmit}>
      <section className={styles.card} aria-labelledby="spam">
        <h2 id="spam">Spam</h2>
        <div className={styles.pair}>
          <Field label="A person decides from" help="Percent" error={faultOf('spam.review_from')}>
            {(props) => (
              <Input
                {...props}
                type="number"
                min={0}
                max={100}
                value={written.reviewFrom}
                onChange={set('reviewFrom')}
              />
            )}
          </Field>
          <Field label="It is kept out above" help="Percent" error={faultOf('spam.quarantine_above')}>
            {(props) => (
              <Input
                {...props}
                type="number"
                min={0}
                max={100}
                value={written.quarantineAbove}
                onChange={set('quarantineAbove')}
              />
            )}
          </Field>
        </div>
        <SpamGauge
          likelihood={null}
          reviewFrom={Number(written.reviewFrom)}
          quarantineAbove={Number(written.quarantineAbove)}
        />
      </section>
      <section className={styles.card} aria-labelledby="area">
        <h2 id="area">Service area</h2>
        <Field
          label="ZIP codes"
          help="Whole, or the first digits, as in 786xx; paste a list. Nothing here and below means everywhere."
          error={faultOf('service_area.postal_codes')}
        >
          {(props) => <TextArea {...props} rows={3} value={written.zips} onChange={set('zips')} />}
        </Field>
        <p className={styles.faint}>
          {number(zips.length)} in all:{' '}
          {foldZips(zips)
            .map(({ prefix, count }) => `${prefix}… ${number(count)}`)
            .join(', ') || 'none'}
        </p>
        <Field
          label="Towns"
          help="A line for each, with its state: Round Rock, TX. They speak for a lead, never against it."
          error={towns.faults[0] ?? faultOf('service_area.cities')}
        >
          {(props) => <TextArea {...props} rows={3} value={written.towns} onChange={set('towns')} />}
        </Field>
        {((base.config.service_area?.polygons?.length ?? 0) > 0 || base.config.service_area?.radius) && (
          <p className={styles.faint}>Areas drawn on a map are kept as they are.</p>
        )}
      </section>
      <section className={styles.card} aria-labelledby="crm">
        <h2 id="crm">Where genuine leads go</h2>
        {crms.length === 0 && <p className={styles.faint}>No CRM is connected yet.</p>}
        {crms.map((one) => (
          <Check
            key={one.name}
            isOn={chosen.has(one.name)}
            onChange={toggle(one)}
            disabled={Boolean(refusal)}
          >
            {providerName(one.provider)} <bdi>{one.name === one.provider ? '' : one.name}</bdi>
          </Check>
        ))}
      </section>
      <section className={styles.card} aria-labelledby="told">
        <h2 id="told">Who is told</h2>
        <Field
          label="E-mail addresses"
          help="A line for each. Everybody gets a message of their own."
          error={faultOf('notifications.email')}
        >
          {(props) => <TextArea {...props} rows={3} value={written.email} onChange={set('email')} />}
        </Field>
        <div className={styles.pair}>
          <Field
            label="Sender"
            help="An address that the mail provider has verified."
            error={faultOf('notifications.from')}
          >
            {(props) => <Input {...props} value={written.from} onChange={set('from')} />}
          </Field>
          <Field
            label="Sender’s name"
            help="Left empty: the company’s."
            error={faultOf('notifications.from_name')}
          >
            {(props) => (
              <Input {...props} value={written.fromName} onChange={set('fromName')} maxLength={100} />
            )}
          </Field>
        </div>
      </section>
      <section className={styles.card} aria-label="Save">
        <Field label="Why" help="For whoever reads the history. It may be left empty.">
          {(props) => <Input {...props} value={note} onChange={setNote} maxLength={500} />}
        </Field>
        {isBeaten ? (
          <Beaten
            tenant={tenant}
            office={office}
            seen={base.version}
            current={saved.version}
            onTheirs={() => {
              setBase(saved);
              setWritten(write(saved.config));
              saving.reset();
            }}
            onMine={() => saving.mutate(saved.version)}
          />
        ) : (
          <Refused error={saving.error ?? trying.error} what="It was not saved" />
        )}
        {job && <Trial tenant={tenant} job={job} />}
        <div className={styles.buttons}>
          <Button
            refusal={refusal}
            disabled={trying.isPending || towns.faults.length > 0}
            onClick={() => trying.mutate()}
          >
            Try it on {TRIAL_DAYS} days
          </Button>
          <Button
            type="submit"
            look="primary"
            refusal={refusal}
            disabled={!isDirty || towns.faults.length > 0 || saving.isPending}
          >
            {saving.isPending ? 'Saving…' : `Save as version ${number(base.version + 1)}`}
          </Button>
          <Button look="quiet" disabled={!isDirty} onClick={() => setWritten(write(base.config))}>
            Discard
          </Button>
        </div>
        {saving.isSuccess && !isDirty && (
          <Note look="done">
            Version {number(base.version)} is in use: it counts for leads that are judged from now on.
          </Note>
        )}
      </section>
    </form>
  );
}

/** Somebody saved meanwhile: what they changed, and whose counts. */
function Beaten({
  tenant,
  office,
  seen,
  current,
  onTheirs,
  onMine,
}: {
  tenant: string;
  office: string;
  seen: number;
  current: number;
  onTheirs: () => void;
  onMine: () => void;
}) {
  const isKnown = current > seen;
  const diff = useQuery({ ...diffQuery(tenant, office, Math.max(1, seen), current), enabled: isKnown }).data;
  return (
    <Note>
      <p>
        Somebody else saved {isKnown ? `version ${number(current)}` : 'a version'} while you changed version{' '}
        {number(seen)}.{diff && ' They changed:'}
      </p>
      {diff && <Difference items={diff.items} />}
      <div className={styles.buttons}>
        <Button disabled={!isKnown} onClick={onTheirs}>
          Take theirs
        </Button>
        <Button disabled={!isKnown} onClick={onMine}>
          Save mine over it
        </Button>
      </div>
    </Note>
  );
}
