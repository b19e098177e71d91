import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { callKey, ifMatch } from '../../../api/act';
import { api, read, type Schemas } from '../../../api/client';
import { keys } from '../../../api/keys';
import { Failure } from '../../../api/problem';
import { plain } from '../../../text/words';
import Button from '../../../ui/button/button';
import Field, { Check, Input } from '../../../ui/field/field';
import layout from '../../../ui/layout/layout.module.css';
import Note from '../../../ui/note/note';
import Refused from '../../../ui/note/refused';
import styles from '../settings.module.css';
import { DAYS, readHours, writeHours } from './hours';

type Office = Schemas['Office'];

const zones: readonly string[] = Intl.supportedValuesOf('timeZone');

/** Adds an office, or changes one. */
export default function OfficeForm({
  tenant,
  office,
  onDone,
  onCancel,
}: {
  tenant: string;
  office?: Office;
  onDone: (words: string) => void;
  onCancel: () => void;
}) {
  const cache = useQueryClient();
  const list = useId();
  const [name, setName] = useState(office?.name ?? '');
  const [address, setAddress] = useState(office?.address ?? '');
  const [zone, setZone] = useState(office?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
  const [isSaid, setSaid] = useState(Boolean(office?.business_hours));
  const [written, setWritten] = useState(writeHours(office?.business_hours ?? null));
  const [seen, setSeen] = useState(office?.version ?? 0);
  const [callOnce] = useState(callKey);
  const { hours, faults } = readHours(written);
  const isReadable = !isSaid || Object.keys(faults).length === 0;
  const saving = useMutation({
    mutationFn: (upon: number) => {
      const body: Schemas['NewOffice'] = {
        name: name.trim(),
        address: address.trim(),
        time_zone: zone.trim(),
        business_hours: isSaid ? hours : null,
      };
      return office
        ? read(
            api.PUT('/v1/tenants/{tenant_id}/offices/{office_id}', {
              params: {
                path: { tenant_id: tenant, office_id: office.office_id },
                header: ifMatch(upon),
              },
              body,
            }),
          )
        : read(
            api.POST('/v1/tenants/{tenant_id}/offices', {
              params: { path: { tenant_id: tenant }, header: { 'Idempotency-Key': callOnce } },
              body,
            }),
          );
    },
    onSuccess: async (saved) => {
      await cache.invalidateQueries({ queryKey: keys.offices(tenant) });
      onDone(`${saved.name} is saved.`);
    },
    onError: (error) => {
      if (error instanceof Failure && error.status === 412)
        void cache.invalidateQueries({ queryKey: keys.offices(tenant) });
    },
  });
  const isBeaten = saving.error instanceof Failure && saving.error.status === 412;
  const faultOf = (field: string) =>
    saving.error instanceof Failure
      ? saving.error.fields.find((fault) => fault.field === field)?.message
      : undefined;
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (isReadable && !saving.isPending) saving.mutate(seen);
  };
  const overwrite = () => {
    if (!office) return;
    setSeen(office.version);
    saving.mutate(office.version);
  };
  const takeTheirs = () => {
    if (!office) return;
    setName(office.name);
    setAddress(office.address);
    setZone(office.time_zone);
    setSaid(Boolean(office.business_hours));
    setWritten(writeHours(office.business_hours));
    setSeen(office.version);
    saving.reset();
  };
  return (
    <form className={layout.form} onSubmit={onSubmit}>
      <Field label="Name" error={faultOf('name')}>
        {(props) => <Input {...props} value={name} onChange={setName} maxLength={100} required />}
      </Field>
      <Field label="Address" error={faultOf('address')} help="In one line. It may be left empty.">
        {(props) => <Input {...props} value={address} onChange={setAddress} maxLength={300} />}
      </Field>
      <Field label="Time zone" error={faultOf('time_zone')} help="Its name, as in America/Chicago.">
        {(props) => <Input {...props} value={zone} onChange={setZone} list={list} required />}
      </Field>
      <datalist id={list}>
        {zones.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <fieldset className={styles.days}>
        <legend>Business hours</legend>
        <Check isOn={isSaid} onChange={setSaid}>
          Somebody is there at these times; on a day without any it is closed
        </Check>
        {isSaid &&
          DAYS.map((day) => (
            <div key={day} className={styles.day}>
              <Field label={plain(day)} error={faults[day] ?? faultOf(`business_hours.${day}`)}>
                {(props) => (
                  <Input
                    {...props}
                    value={written[day]}
                    onChange={(text) => setWritten({ ...written, [day]: text })}
                    placeholder="08:00-12:00, 13:00-17:00"
                  />
                )}
              </Field>
            </div>
          ))}
      </fieldset>
      {isBeaten ? (
        <Note>
          <p>
            Somebody else saved this office while you changed it. Now it is <bdi>{office?.name}</bdi>,{' '}
            {office?.time_zone}.
          </p>
          <div className={layout.buttons}>
            <Button onClick={takeTheirs}>Take theirs</Button>
            <Button onClick={overwrite}>Save mine over it</Button>
          </div>
        </Note>
      ) : (
        <Refused error={saving.error} what="It was not saved" />
      )}
      <div className={layout.buttons}>
        <Button type="submit" look="primary" disabled={!isReadable || saving.isPending}>
          {saving.isPending ? 'Saving…' : 'Save'}
        </Button>
        <Button onClick={onCancel}>Cancel</Button>
      </div>
    </form>
  );
}
