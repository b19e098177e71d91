import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ChevronDown, Phone } from 'lucide-react';
import { api, read, type Schemas } from '../../../api/client';
import { keys } from '../../../api/keys';
import { explain } from '../../../api/problem';
import { useRefusal } from '../../../shell/role';
import { useKeys } from '../../../shell/shortcuts';
import { phone } from '../../../text/format';
import { stageName } from '../../../text/words';
import Button, { buttonClass } from '../../../ui/button/button';
import Popover, { popoverItem, popoverLabel } from '../../../ui/popover/popover';
import Touched from '../../../ui/touched/touched';
import styles from '../page.module.css';

type Detail = Schemas['RequestDetail'];
type Decision = 'approve' | 'reject' | 'release' | 'redrive' | { replay: Schemas['Stage'] };

/** What a person can do with the lead now. What a press does is said before it. */
export default function Actions({ tenant, lead }: { tenant: string; lead: Detail }) {
  const cache = useQueryClient();
  const refusal = useRefusal('operator');
  const decide = useMutation({
    mutationFn: (decision: Decision) => act(tenant, lead.request_id, decision),
    onSettled: () => {
      void cache.invalidateQueries({ queryKey: keys.lead(tenant, lead.request_id) });
      void cache.invalidateQueries({ queryKey: keys.counts(tenant) });
    },
  });
  const number = lead.contact.phone ?? lead.person.phone;
  const byKey = (decision: Decision) => {
    if (lead.status === 'in_review' && !refusal && !decide.isPending) decide.mutate(decision);
  };
  useKeys({
    a: () => byKey('approve'),
    r: () => byKey('reject'),
    c: () => {
      if (number) location.href = `tel:${number}`;
    },
  });
  const outcome = decide.isError ? explain(decide.error) : null;
  const buttons = buttonsOf(lead);
  const stages = [...new Set(lead.timeline.flatMap((entry) => (entry.stage ? [entry.stage] : [])))];
  return (
    <div className={styles.actions}>
      {buttons.map(({ decision, name, look, effect }) => (
        <Button
          key={name}
          look={look}
          refusal={refusal}
          disabled={decide.isPending}
          title={effect}
          onClick={() => decide.mutate(decision)}
        >
          {decide.isPending && decide.variables === decision ? `${name}…` : name}
        </Button>
      ))}
      {number && (
        <a
          className={buttonClass(buttons.length > 0 || lead.needs_call ? 'plain' : 'primary')}
          href={`tel:${number}`}
        >
          <Phone size={15} aria-hidden /> Call {phone(number)}
        </a>
      )}
      {lead.status !== 'erased' && lead.status !== 'merged' && (
        <Touched
          tenant={tenant}
          id={lead.request_id}
          look={lead.needs_call && buttons.length === 0 ? 'primary' : 'plain'}
          hasKey
        />
      )}
      {stages.length > 0 && lead.status !== 'erased' && (
        <Popover
          className={buttonClass()}
          disabled={Boolean(refusal) || decide.isPending}
          title={refusal ?? undefined}
          trigger={
            <>
              Replay <ChevronDown size={14} aria-hidden />
            </>
          }
        >
          <div className={popoverLabel}>From which step on? Effects outside happen once.</div>
          {stages.map((stage) => (
            <button
              type="button"
              key={stage}
              className={popoverItem}
              onClick={() => decide.mutate({ replay: stage })}
            >
              {stageName(stage)}
            </button>
          ))}
        </Popover>
      )}
      {outcome && (
        <p role="alert" className={styles.refused}>
          {outcome.title}. {outcome.detail}
        </p>
      )}
    </div>
  );
}

function buttonsOf(
  lead: Detail,
): { decision: Decision; name: string; look: 'primary' | 'plain'; effect: string }[] {
  const goesOn = 'It goes to the CRM, and people are told.';
  switch (lead.status) {
    case 'in_review':
      return [
        { decision: 'approve', name: 'Approve', look: 'primary', effect: goesOn },
        {
          decision: 'reject',
          name: 'Spam',
          look: 'plain',
          effect: 'It is kept out; it can be released later.',
        },
      ];
    case 'quarantined':
    case 'out_of_area':
      return [{ decision: 'release', name: 'Release', look: 'primary', effect: goesOn }];
    case 'parked':
    case 'held':
      return [
        { decision: 'redrive', name: 'Redrive', look: 'primary', effect: 'What stopped is tried again now.' },
      ];
    default:
      return [];
  }
}

async function act(tenant: string, id: string, decision: Decision): Promise<unknown> {
  const params = { path: { tenant_id: tenant, request_id: id } };
  if (typeof decision === 'object') {
    return read(
      api.POST('/v1/tenants/{tenant_id}/requests/{request_id}/replay', {
        params,
        body: { from: decision.replay },
      }),
    );
  }
  if (decision === 'redrive') {
    const work = await read(api.GET('/v1/tenants/{tenant_id}/requests/{request_id}', { params }));
    for (const step of work.open_work.filter(({ state }) => state === 'parked' || state === 'held')) {
      await read(
        api.POST('/v1/tenants/{tenant_id}/work/redrive', {
          params: { path: { tenant_id: tenant } },
          body: { request_id: id, stage: step.stage, target: step.target },
        }),
      );
    }
    return null;
  }
  return read(api.POST(`/v1/tenants/{tenant_id}/requests/{request_id}/${decision}`, { params }));
}
