import { Link } from '@tanstack/react-router';
import type { FormEvent } from 'react';
import type { Schemas } from '../../../api/client';
import type { Config } from '../../../api/config';
import type { SavedConfig } from '../../../api/config-query';
import { useRefusal } from '../../../shell/role';
import { number } from '../../../text/format';
import { foldZips, readList, readTowns, writeTowns } from '../../../text/lists';
import { providerName } from '../../../text/words';
import SaveBar from '../../../ui/config-draft/save-bar';
import { useConfigDraft } from '../../../ui/config-draft/use-config-draft';
import Field, { Check, Input, TextArea } from '../../../ui/field/field';
import layout from '../../../ui/layout/layout.module.css';
import SpamGauge from '../../../ui/spam-gauge/spam-gauge';

type Written = {
  reviewFrom: string;
  quarantineAbove: string;
  zips: string;
  towns: string;
  destinations: { connection: string; connector: string }[];
};

const write = ({ spam, service_area, destinations }: Config): Written => ({
  reviewFrom: String(spam?.review_from ?? 50),
  quarantineAbove: String(spam?.quarantine_above ?? 85),
  zips: (service_area?.postal_codes ?? []).join(', '),
  towns: writeTowns(service_area?.cities ?? []),
  destinations: destinations ?? [],
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
  const refusal = useRefusal('tenant_admin');
  const draft = useConfigDraft({ tenant, office, saved, write, read: readWritten });
  const { written, setWritten, base, saving, faultOf } = draft;
  const towns = readTowns(written.towns);
  const set = (name: keyof Written) => (value: string) => setWritten({ ...written, [name]: value });
  /** A field of the form: its value, and what the server said of it. */
  const of = (name: Exclude<keyof Written, 'destinations'>) => ({
    value: written[name],
    onChange: set(name),
    disabled: Boolean(refusal),
  });
  const toggle = (connection: Schemas['Connection']) => (isOn: boolean) => {
    const others = written.destinations.filter((one) => one.connection !== connection.name);
    const added = { connection: connection.name, connector: connection.provider };
    setWritten({ ...written, destinations: isOn ? [...others, added] : others });
  };
  const chosen = new Set(written.destinations.map((one) => one.connection));
  // What gets no leads is not offered; one that is chosen stays in sight, whatever it is.
  const crms = connections.filter((one) => one.uses.includes('crm') || chosen.has(one.name));
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!refusal && draft.isDirty && towns.faults.length === 0 && !saving.isPending)
      saving.mutate(base.version);
  };
  const zips = readList(written.zips);
  return (
    <form className={layout.page} onSubmit={onSubmit}>
      <section className={layout.card} aria-labelledby="spam">
        <h2 id="spam">Spam</h2>
        <div className={layout.pair}>
          <Field label="A person decides from" help="Percent" error={faultOf('spam.review_from')}>
            {(props) => <Input {...props} type="number" min={0} max={100} {...of('reviewFrom')} />}
          </Field>
          <Field label="It is kept out above" help="Percent" error={faultOf('spam.quarantine_above')}>
            {(props) => <Input {...props} type="number" min={0} max={100} {...of('quarantineAbove')} />}
          </Field>
        </div>
        <SpamGauge
          likelihood={null}
          reviewFrom={Number(written.reviewFrom)}
          quarantineAbove={Number(written.quarantineAbove)}
        />
      </section>
      <section className={layout.card} aria-labelledby="area">
        <h2 id="area">Service area</h2>
        <Field
          label="ZIP codes"
          help="Whole, or the first digits, as in 786xx; paste a list. Nothing here and below means everywhere."
          error={faultOf('service_area.postal_codes')}
        >
          {(props) => <TextArea {...props} rows={3} {...of('zips')} />}
        </Field>
        <p className={layout.faint}>
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
          {(props) => <TextArea {...props} rows={3} {...of('towns')} />}
        </Field>
        {((base.config.service_area?.polygons?.length ?? 0) > 0 || base.config.service_area?.radius) && (
          <p className={layout.faint}>Areas drawn on a map are kept as they are.</p>
        )}
      </section>
      <section className={layout.card} aria-labelledby="crm">
        <h2 id="crm">Where genuine leads go</h2>
        {crms.length === 0 && <p className={layout.faint}>No CRM is connected yet.</p>}
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
      <p className={layout.faint}>
        Who is told stands under{' '}
        <Link to="/t/$tenant/notifications" params={{ tenant }} search={{ office }}>
          Notifications
        </Link>
        .
      </p>
      <SaveBar draft={draft} refusal={refusal} isReadable={towns.faults.length === 0} />
    </form>
  );
}
