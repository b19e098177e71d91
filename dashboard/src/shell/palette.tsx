import { Dialog } from '@base-ui/react/dialog';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, useId, useState } from 'react';
import { api, read } from '../api/client';
import { keys } from '../api/keys';
import { phone } from '../text/format';
import ScorePlate from '../ui/score-plate/score-plate';
import Text from '../ui/text/text';
import { PLACES } from './pages';
import styles from './shell.module.css';

type Option = { id: string; go: () => void; show: React.ReactNode; aside: string };

/** Goes to a page or a lead by a few letters. */
export default function Palette({ tenant, onClose }: { tenant: string; onClose: () => void }) {
  const navigate = useNavigate();
  const list = useId();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const q = text.trim();
  const found = useQuery({
    queryKey: [...keys.tenant(tenant), 'palette', q],
    queryFn: ({ signal }) =>
      read(
        api.GET('/v1/tenants/{tenant_id}/requests', {
          params: { path: { tenant_id: tenant }, query: { limit: 8, ...(q && { q: q.slice(0, 200) }) } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    staleTime: 5_000,
  });
  const pages: Option[] = PLACES.filter(({ name }) => name.toLowerCase().includes(q.toLowerCase())).map(
    ({ to, name }) => ({
      id: name,
      go: () => void navigate({ to, params: { tenant }, search: {} }),
      show: <span>{name}</span>,
      aside: 'Page',
    }),
  );
  const leads: Option[] = (found.data?.items ?? []).map((lead) => ({
    id: lead.request_id,
    go: () => void navigate({ to: '/t/$tenant/leads/$id', params: { tenant, id: lead.request_id } }),
    show: (
      <>
        <ScorePlate score={lead.lead_score} confidence={lead.confidence} />
        <span>
          <Text>{lead.contact.name ?? lead.contact.phone ?? lead.headline}</Text>
        </span>
      </>
    ),
    aside: lead.contact.phone ? phone(lead.contact.phone) : (lead.contact.city ?? ''),
  }));
  const options = q ? [...leads, ...pages] : [...pages, ...leads];
  const chosen = Math.min(at, options.length - 1);
  const take = (option: Option | undefined) => {
    if (!option) return;
    onClose();
    option.go();
  };
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0 && options.length > 0) {
      event.preventDefault();
      setAt((chosen + step + options.length) % options.length);
    }
    if (event.key === 'Enter') take(options[chosen]);
  };
  return (
    <Dialog.Root open onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup className={styles.dialog}>
          <Dialog.Title className="hidden-but-read">Search and go</Dialog.Title>
          <input
            className={styles.field}
            role="combobox"
            aria-expanded
            aria-controls={list}
            aria-activedescendant={options[chosen] ? `${list}-${chosen}` : undefined}
            aria-label="A name, a number, words that were said, or a page"
            placeholder="A name, a number, words that were said, or a page"
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              setAt(0);
            }}
            onKeyDown={onKey}
          />
          <div className={styles.options} id={list} role="listbox" aria-label="Found">
            {options.map((option, index) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys.
              <div
                key={option.id}
                id={`${list}-${index}`}
                role="option"
                tabIndex={-1}
                aria-selected={index === chosen}
                className={styles.option}
                onClick={() => take(option)}
                onPointerMove={() => setAt(index)}
              >
                {option.show}
                <span>{option.aside}</span>
              </div>
            ))}
          </div>
          {options.length === 0 && !found.isFetching && (
            <p className={styles.head}>Nothing is called so. Fewer letters may find more.</p>
          )}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
