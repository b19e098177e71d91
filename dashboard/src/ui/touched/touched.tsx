import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Check, ChevronDown } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { callKey } from '../../api/act';
import { type Pages, withLead } from '../../api/cache';
import { api, read, type Schemas } from '../../api/client';
import { keys } from '../../api/keys';
import { useRefusal } from '../../shell/role';
import { useKeys } from '../../shell/shortcuts';
import { touchWords } from '../../text/words';
import { buttonClass } from '../button/button';
import Refused from '../note/refused';
import Popover, { popoverItem, popoverRule } from '../popover/popover';
import Text from '../text/text';

const Noted = lazy(() => import('./noted'));

type Touch = Schemas['PostedTouch'];

/** What is noted most, by one press. */
const USUAL: readonly { kind: Schemas['TouchKind']; outcome: Schemas['TouchOutcome'] | null }[] = [
  { kind: 'call', outcome: 'reached' },
  { kind: 'call', outcome: 'left_message' },
  { kind: 'call', outcome: 'no_answer' },
  { kind: 'text', outcome: null },
  { kind: 'email', outcome: null },
];
/** Notes that somebody got in touch with the person, or tried to. The first time ends that the lead waits for a call. */
export default function Touched({
  tenant,
  id,
  look = 'plain',
  of,
  hasKey = false,
}: {
  tenant: string;
  id: string;
  look?: 'plain' | 'primary';
  /** Whose lead it is, where more than one of these stands on the page. */
  of?: string;
  /** Whether `m` opens it. */
  hasKey?: boolean;
}) {
  const cache = useQueryClient();
  const refusal = useRefusal('operator');
  const [isAsked, setAsked] = useState(false);
  const noting = useMutation({
    mutationFn: (body: Touch) =>
      read(
        api.POST('/v1/tenants/{tenant_id}/requests/{request_id}/touches', {
          params: {
            path: { tenant_id: tenant, request_id: id },
            header: { 'Idempotency-Key': callKey() },
          },
          body,
        }),
      ),
    onSuccess: (lead) => {
      setAsked(false);
      for (const [key, pages] of cache.getQueriesData<Pages>({ queryKey: keys.lists(tenant) })) {
        if (pages) cache.setQueryData(key, withLead(pages, lead));
      }
    },
    onSettled: () => {
      void cache.invalidateQueries({ queryKey: keys.lead(tenant, id) });
      void cache.invalidateQueries({ queryKey: keys.counts(tenant) });
    },
  });
  useKeys({
    m: (event) => {
      if (refusal || !hasKey) return;
      event.preventDefault();
      setAsked(true);
    },
  });
  return (
    <>
      <Popover
        className={buttonClass(look)}
        disabled={Boolean(refusal) || noting.isPending}
        title={refusal ?? 'Note that you called, wrote or met (m)'}
        trigger={
          <>
            <Check size={15} aria-hidden /> {noting.isPending ? 'Noting…' : 'Answered'}
            {of && (
              <span className="hidden-but-read">
                : <Text>{of}</Text>
              </span>
            )}{' '}
            <ChevronDown size={14} aria-hidden />
          </>
        }
      >
        {USUAL.map((touch) => (
          <button
            type="button"
            key={touchWords(touch)}
            className={popoverItem}
            onClick={() => noting.mutate(touch)}
          >
            {touchWords(touch)}
          </button>
        ))}
        <div className={popoverRule} />
        <button type="button" className={popoverItem} onClick={() => setAsked(true)}>
          Something else, or with a note…
        </button>
      </Popover>
      {isAsked ? (
        <Suspense>
          <Noted
            error={noting.error}
            isPending={noting.isPending}
            onNote={(touch) => noting.mutate(touch)}
            onClose={() => {
              noting.reset();
              setAsked(false);
            }}
          />
        </Suspense>
      ) : (
        <Refused error={noting.error} what="It was not noted" />
      )}
    </>
  );
}
