import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { callKey } from '../../../api/act';
import { api, read, type Schemas } from '../../../api/client';
import { keys } from '../../../api/keys';
import { useRefusal } from '../../../shell/role';
import { channelName, providerName, touchWords } from '../../../text/words';
import Button from '../../../ui/button/button';
import Confirm from '../../../ui/confirm/confirm';
import Facts, { Fact } from '../../../ui/facts/facts';
import Phone from '../../../ui/phone/phone';
import Text from '../../../ui/text/text';
import Time from '../../../ui/time/time';
import styles from '../page.module.css';
import { type Door, doorsOf, inCommon } from './doors';

type Detail = Schemas['RequestDetail'];

/** Whose lead it is, who of us got in touch, and by what other doors the person came. */
export default function Person({ tenant, lead }: { tenant: string; lead: Detail }) {
  const { person, touches, consent, labels } = lead;
  const doors = doorsOf(lead.links);
  const apart = doorsOf(lead.links_taken_back).map((door) => ({
    ...door,
    by: lead.links_taken_back.find((link) => link.request_id === door.id)?.taken_back?.by ?? '',
  }));
  const noted = [labels.status, labels.value, labels.note, ...(labels.tags ?? [])].filter(Boolean);
  return (
    <>
      <Facts>
        {person.name && (
          <Fact name="Name">
            <Text>{person.name}</Text>
          </Fact>
        )}
        {person.phone && (
          <Fact name="Phone">
            <Phone number={person.phone} />
          </Fact>
        )}
        {person.email && (
          <Fact name="E-mail">
            <Text>{person.email}</Text>
          </Fact>
        )}
        <Fact name="Place">
          <Text>
            {[person.address, person.city, person.state, person.postal_code].filter(Boolean).join(', ') ||
              'unknown'}
          </Text>
        </Fact>
        {consent && (
          <Fact name="Agreed to">
            “<Text>{consent.text}</Text>”
            {consent.at && (
              <>
                , <Time at={consent.at} />
              </>
            )}
          </Fact>
        )}
        {noted.length > 0 && (
          <Fact name="Noted there">
            <Text>{noted.join(' · ')}</Text>
          </Fact>
        )}
        <Fact name="Answered">
          {touches.length === 0
            ? 'not yet'
            : touches.map((touch) => (
                <span key={touch.at} className={styles.line}>
                  {touchWords(touch)}, <Time at={touch.at} /> by <Text>{touch.by}</Text>
                  {touch.note && (
                    <>
                      : “<Text>{touch.note}</Text>”
                    </>
                  )}
                </span>
              ))}
        </Fact>
        {apart.length > 0 && (
          <Fact name="Taken apart">
            {apart.map(({ id, channel, came_at, by }) => (
              <span key={id} className={styles.line}>
                <Link to="/t/$tenant/leads/$id" params={{ tenant, id }}>
                  {channelName(channel)}
                </Link>{' '}
                <Time at={came_at} /> is another person’s, says <Text>{by}</Text>
              </span>
            ))}
          </Fact>
        )}
        <Fact name="Came by">
          {providerName(lead.source.provider)}, <Time at={lead.created_at} />
        </Fact>
        <Fact name="Id">
          <code>{lead.request_id}</code>
        </Fact>
      </Facts>
      {doors.length > 0 && <Doors tenant={tenant} lead={lead.request_id} doors={doors} />}
    </>
  );
}

const FIRST = 3;

function Doors({ tenant, lead, doors }: { tenant: string; lead: string; doors: readonly Door[] }) {
  const cache = useQueryClient();
  const refusal = useRefusal('operator');
  const [asked, setAsked] = useState<Door | null>(null);
  const [isWhole, setWhole] = useState(false);
  const unlink = async (door: Door) => {
    await read(
      api.POST('/v1/tenants/{tenant_id}/requests/{request_id}/links/{other_id}/unlink', {
        params: {
          path: { tenant_id: tenant, request_id: lead, other_id: door.id },
          header: { 'Idempotency-Key': callKey() },
        },
      }),
    );
    await Promise.all(
      [lead, door.id].map((id) => cache.invalidateQueries({ queryKey: keys.lead(tenant, id) })),
    );
  };
  const shown = isWhole ? doors : doors.slice(0, FIRST);
  return (
    <section className={styles.doors} aria-label="The same person">
      <h3>
        The same person came {doors.length === 1 ? 'by another door' : `by ${doors.length} other doors`}
      </h3>
      <ul>
        {shown.map((door) => (
          <li key={door.id}>
            <span>
              <Link to="/t/$tenant/leads/$id" params={{ tenant, id: door.id }}>
                {channelName(door.channel)}
              </Link>{' '}
              <Time at={door.came_at} />
              <span className={styles.line}>{inCommon(door)}</span>
            </span>
            <Button look="quiet" refusal={refusal} onClick={() => setAsked(door)}>
              Not the same…<span className="hidden-but-read"> as {channelName(door.channel)}</span>
            </Button>
          </li>
        ))}
      </ul>
      {doors.length > shown.length && (
        <Button look="quiet" onClick={() => setWhole(true)}>
          All {doors.length}
        </Button>
      )}
      {asked && (
        <Confirm
          title="Take them apart?"
          act="Take apart"
          onClose={() => setAsked(null)}
          onAct={() => unlink(asked)}
        >
          The two leads have the {inCommon(asked)}. They are not linked for that again, and what both became
          in a CRM stays.
        </Confirm>
      )}
    </section>
  );
}
