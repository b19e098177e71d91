import { Link } from '@tanstack/react-router';
import type { FormEvent } from 'react';
import type { Schemas } from '../../../api/client';
import type { SavedConfig } from '../../../api/config-query';
import { useRefusal } from '../../../shell/role';
import { number } from '../../../text/format';
import { readList } from '../../../text/lists';
import { providerName } from '../../../text/words';
import SaveBar from '../../../ui/config-draft/save-bar';
import { useConfigDraft } from '../../../ui/config-draft/use-config-draft';
import Field, { Input, Select, TextArea } from '../../../ui/field/field';
import layout from '../../../ui/layout/layout.module.css';
import Note from '../../../ui/note/note';
import { useNewSecret } from '../../../ui/secret-form/use-new-secret';
import { faultsOf, read, type Written, write } from '../written';
import Account, { accountName } from './account';
import Places from './places';

type Connection = Schemas['Connection'];

export default function ToldForm({
  tenant,
  office,
  saved,
  connections,
}: {
  tenant: string;
  office: string;
  saved: SavedConfig;
  connections: readonly Connection[];
}) {
  const refusal = useRefusal('tenant_admin');
  const draft = useConfigDraft({ tenant, office, saved, write, read });
  const { written, setWritten, base, saving, faultOf, faultsIn } = draft;
  const secret = useNewSecret(tenant);
  const faults = faultsOf(written);
  const isReadable = !faults.email && !faults.places.some(Boolean);
  const emails = readList(written.email);
  const mailers = connections.filter((one) => one.uses.includes('email'));
  // Without a name it is the first that carries mail; they come by name.
  const mailer = mailers.find((one) => one.name === written.connection) ?? mailers[0];
  /** A field of the form: its value, and what is said of it. */
  const of = (name: Exclude<keyof Written, 'places'>) => ({
    value: written[name],
    onChange: (value: string) => setWritten({ ...written, [name]: value }),
    disabled: Boolean(refusal),
  });
  const emailFault = faultsIn('notifications.email')
    .map(({ at, message }) => [at && `“${emails[Number(at)] ?? at}”`, message].filter(Boolean).join(': '))
    .join('. ');
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!refusal && draft.isDirty && isReadable && !saving.isPending) saving.mutate(base.version);
  };
  const nobody = emails.length === 0 && written.places.length === 0;
  return (
    <>
      {secret.told}
      <form className={layout.page} onSubmit={onSubmit}>
        <section className={layout.card} aria-labelledby="mail">
          <h2 id="mail">By e-mail</h2>
          <Field
            label="Who is told"
            help={`An address a line; paste a list. ${emails.length === 1 ? '1 address' : `${number(emails.length)} addresses`}.`}
            error={faults.email ?? (emailFault || undefined)}
          >
            {(props) => <TextArea {...props} rows={4} {...of('email')} />}
          </Field>
          <div className={layout.pair}>
            <Field
              label="Sender"
              help="An address that the mail provider has verified."
              error={faultOf('notifications.from')}
            >
              {(props) => <Input {...props} {...of('from')} autoComplete="off" />}
            </Field>
            <Field
              label="Sender’s name"
              help="Left empty: the company’s."
              error={faultOf('notifications.from_name')}
            >
              {(props) => <Input {...props} {...of('fromName')} maxLength={100} autoComplete="off" />}
            </Field>
          </div>
          <div className={layout.pair}>
            <Field
              label="Mail leaves by"
              help="The company’s account at its mail provider."
              error={faultOf('notifications.connection')}
            >
              {(props) => (
                <Select {...props} {...of('connection')}>
                  <option value="">The first that carries mail</option>
                  {mailers.map((one) => (
                    <option key={one.name} value={one.name}>
                      {accountName(one)}
                    </option>
                  ))}
                  {written.connection && !mailers.some((one) => one.name === written.connection) && (
                    <option value={written.connection}>{providerName(written.connection)}</option>
                  )}
                </Select>
              )}
            </Field>
            <Field
              label="Sent once more after"
              help="Seconds, where nobody answered whether a mail was taken."
              error={faultOf('notifications.unknown_wait_seconds')}
            >
              {(props) => <Input {...props} type="number" min={0} max={86_400} {...of('unknownWait')} />}
            </Field>
          </div>
          {mailer ? (
            <Account of={mailer} refusal={refusal} onSecret={secret.ask} />
          ) : (
            <p className={layout.faint}>
              No account at a mail provider is connected:{' '}
              <Link to="/t/$tenant/crm" params={{ tenant }}>
                add one
              </Link>{' '}
              before anybody is told by e-mail.
            </p>
          )}
        </section>
        <Places
          tenant={tenant}
          places={written.places}
          connections={connections}
          refusal={refusal}
          faults={faults.places.map(
            (own, at) =>
              own ??
              (faultsIn(`notifications.channels.${at}`)
                .map(({ message }) => message)
                .join('. ') ||
                undefined),
          )}
          onChange={(places) => setWritten({ ...written, places })}
          onSecret={secret.ask}
        />
        {nobody && (
          <Note>
            Nobody is told. Leads are judged and shown here all the same, and go to the CRMs that the rules
            name.
          </Note>
        )}
        <SaveBar draft={draft} refusal={refusal} isReadable={isReadable} />
      </form>
      {secret.form}
    </>
  );
}
