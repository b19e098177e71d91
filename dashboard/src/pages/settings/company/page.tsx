import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { ifMatch } from '../../../api/act';
import { api, read, type Schemas } from '../../../api/client';
import { keys } from '../../../api/keys';
import { officesQuery } from '../../../api/queries';
import { useRefusal } from '../../../shell/role';
import { plain } from '../../../text/words';
import Button from '../../../ui/button/button';
import Confirm from '../../../ui/confirm/confirm';
import Facts, { Fact } from '../../../ui/facts/facts';
import FailureNote from '../../../ui/failure/failure';
import layout from '../../../ui/layout/layout.module.css';
import Note from '../../../ui/note/note';
import Skeleton from '../../../ui/skeleton/skeleton';
import Text from '../../../ui/text/text';
import SettingsHead from '../head';
import { DAYS, writeHours } from './hours';
import OfficeForm from './office-form';

type Office = Schemas['Office'];

/** The company's offices: where they stand, in which zone, and when somebody is there. */
export default function Company() {
  const { tenant } = useParams({ from: '/t/$tenant/settings/company' });
  const refusal = useRefusal('tenant_admin');
  const offices = useQuery(officesQuery(tenant));
  const [open, setOpen] = useState<string | 'new' | null>(null);
  const [told, setTold] = useState<string | null>(null);
  const items = offices.data?.items ?? [];
  const done = (words: string) => {
    setOpen(null);
    setTold(words);
  };
  return (
    <>
      <SettingsHead
        name="Company"
        lead="An office has a time zone, in which this dashboard tells its times, and hours in which somebody is there. What happens with its leads stands in its rules."
      >
        <Button refusal={refusal} disabled={open === 'new'} onClick={() => setOpen('new')}>
          Add an office
        </Button>
      </SettingsHead>
      <div className={layout.page}>
        {told && <Note look="done">{told}</Note>}
        {open === 'new' && (
          <section className={layout.card} aria-label="A new office">
            <OfficeForm tenant={tenant} onDone={done} onCancel={() => setOpen(null)} />
          </section>
        )}
        {offices.isPending ? (
          <Skeleton rows={2} height={140} />
        ) : offices.isError && items.length === 0 ? (
          <FailureNote
            error={offices.error}
            what="The offices cannot be read."
            onRetry={() => void offices.refetch()}
          />
        ) : (
          items.map((office) => (
            <section key={office.office_id} className={layout.card} aria-label={office.name}>
              {open === office.office_id ? (
                <OfficeForm tenant={tenant} office={office} onDone={done} onCancel={() => setOpen(null)} />
              ) : (
                <Whole
                  tenant={tenant}
                  office={office}
                  refusal={refusal}
                  onEdit={() => setOpen(office.office_id)}
                  onRemoved={() => done(`${office.name} is removed.`)}
                />
              )}
            </section>
          ))
        )}
      </div>
    </>
  );
}

function Whole({
  tenant,
  office,
  refusal,
  onEdit,
  onRemoved,
}: {
  tenant: string;
  office: Office;
  refusal: string | null;
  onEdit: () => void;
  onRemoved: () => void;
}) {
  const cache = useQueryClient();
  const [isAsked, setAsked] = useState(false);
  const remove = useMutation({
    mutationFn: () =>
      read(
        api.DELETE('/v1/tenants/{tenant_id}/offices/{office_id}', {
          params: {
            path: { tenant_id: tenant, office_id: office.office_id },
            header: ifMatch(office.version),
          },
        }),
      ),
    onSuccess: onRemoved,
    onSettled: () => cache.invalidateQueries({ queryKey: keys.offices(tenant) }),
  });
  const written = writeHours(office.business_hours);
  const days = DAYS.filter((day) => written[day]);
  return (
    <>
      <header className={layout.top}>
        <h2 className={layout.title}>
          <Text>{office.name}</Text>
        </h2>
        {office.is_open !== null && (
          <span className={layout.faint}>{office.is_open ? 'open now' : 'closed now'}</span>
        )}
        <div className={layout.end}>
          <Button refusal={refusal} onClick={onEdit}>
            Change
          </Button>
          <Button look="quiet" refusal={refusal} onClick={() => setAsked(true)}>
            Remove…
          </Button>
        </div>
      </header>
      <Facts>
        <Fact name="Address">{office.address ? <Text>{office.address}</Text> : 'not said'}</Fact>
        <Fact name="Time zone">{office.time_zone}</Fact>
        <Fact name="Hours">
          {office.business_hours === null
            ? 'nobody has said'
            : days.length === 0
              ? 'always closed'
              : days.map((day) => (
                  <div key={day}>{`${plain(day)} ${written[day].replaceAll('-', '–')}`}</div>
                ))}
        </Fact>
        <Fact name="Id">
          <code>{office.office_id}</code>
        </Fact>
      </Facts>
      {isAsked && (
        <Confirm
          title={`Remove ${office.name}?`}
          act="Remove"
          typed={office.name}
          onClose={() => setAsked(false)}
          onAct={() => remove.mutateAsync()}
        >
          Its rules go with it. Leads that came for it stay. An office that a source still names cannot be
          removed.
        </Confirm>
      )}
    </>
  );
}
