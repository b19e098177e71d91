import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Plus, X } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { callKey } from '../../../api/act';
import type { Schemas } from '../../../api/client';
import type { Filter } from '../../../api/filter';
import { keys } from '../../../api/keys';
import { removeView, saveView } from '../../../api/views';
import { useRefusal } from '../../../shell/role';
import { stringifySearch } from '../../../text/search';
import Button from '../../../ui/button/button';
import Confirm from '../../../ui/confirm/confirm';
import Field, { Check, Input } from '../../../ui/field/field';
import layout from '../../../ui/layout/layout.module.css';
import Modal, { modalActions } from '../../../ui/modal/modal';
import Refused from '../../../ui/note/refused';

/** Keeps what is looked at under a name, or lets go of a view that is looked at. */
export default function Saved({
  tenant,
  filter,
  view,
}: {
  tenant: string;
  filter: Filter;
  /** The saved view that is open. */
  view: Schemas['SavedView'] | undefined;
}) {
  const cache = useQueryClient();
  const navigate = useNavigate();
  const mayRemoveShared = useRefusal('tenant_admin') === null;
  const [isAsked, setAsked] = useState(false);
  if (view) {
    if (!view.is_own && !mayRemoveShared) return null;
    return (
      <>
        <Button look="quiet" onClick={() => setAsked(true)} title="Remove this view">
          <X size={14} aria-hidden /> Remove view…
        </Button>
        {isAsked && (
          <Confirm
            title={`Remove the view “${view.name}”?`}
            act="Remove"
            onClose={() => setAsked(false)}
            onAct={async () => {
              await removeView(tenant, view.id);
              await cache.invalidateQueries({ queryKey: keys.views(tenant) });
              await navigate({ to: '/t/$tenant/leads', params: { tenant }, search: {} });
            }}
          >
            The leads in it stay. {view.is_shared && 'Everybody of the company loses this view.'}
          </Confirm>
        )}
      </>
    );
  }
  return (
    <>
      <Button look="quiet" onClick={() => setAsked(true)}>
        <Plus size={14} aria-hidden /> Save as a view
      </Button>
      {isAsked && <Name tenant={tenant} filter={filter} onClose={() => setAsked(false)} />}
    </>
  );
}

function Name({ tenant, filter, onClose }: { tenant: string; filter: Filter; onClose: () => void }) {
  const cache = useQueryClient();
  const [id] = useState(callKey);
  const [name, setName] = useState('');
  const [isShared, setShared] = useState(false);
  const saving = useMutation({
    mutationFn: () =>
      saveView(tenant, id, {
        name: name.trim(),
        page: 'leads',
        search: stringifySearch(filter).slice(1),
        is_shared: isShared,
      }),
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: keys.views(tenant) });
      onClose();
    },
  });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() && !saving.isPending) saving.mutate();
  };
  return (
    <Modal title="Save as a view" onClose={onClose}>
      <form className={layout.form} onSubmit={onSubmit}>
        <Field label="Name" help="The filters and the order are kept under it, on all your devices.">
          {(props) => <Input {...props} value={name} onChange={setName} maxLength={100} required />}
        </Field>
        <Check isOn={isShared} onChange={setShared}>
          Everybody of the company sees it
        </Check>
        <Refused error={saving.error} what="It was not saved" />
        <div className={modalActions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" disabled={!name.trim() || saving.isPending}>
            {saving.isPending ? 'Saving…' : 'Save'}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
