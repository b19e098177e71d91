import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { Schemas } from '../../../api/client';
import { keys } from '../../../api/keys';
import { officesQuery } from '../../../api/queries';
import { connectSource, sourcesQuery } from '../../../api/sources';
import { plain } from '../../../text/words';
import Button from '../../../ui/button/button';
import Field, { Input, Select } from '../../../ui/field/field';
import layout from '../../../ui/layout/layout.module.css';
import Refused from '../../../ui/note/refused';
import styles from '../page.module.css';
import ByHand from './by-hand';
import { type Entered, NOTHING, newSource } from './entered';
import Proof from './proof';

type Connected = Schemas['ConnectedSource'];

/** From a key to a source whose deliveries come. What was entered can be sent again: it goes on where it stopped. */
export default function Wizard({ tenant, provider }: { tenant: string; provider: Schemas['Connectable'] }) {
  const cache = useQueryClient();
  const [entered, setEntered] = useState(NOTHING);
  const [madeKey, setMadeKey] = useState<string | null>(null);
  const connecting = useMutation({
    mutationFn: () => connectSource(tenant, newSource(provider, entered)),
    // It is shown this once, and stays in sight until the page is left.
    onSuccess: (answer) => answer.signing_key && setMadeKey(answer.signing_key),
    onSettled: () => {
      void cache.invalidateQueries({ queryKey: keys.sources(tenant) });
      void cache.invalidateQueries({ queryKey: keys.connections(tenant) });
    },
  });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!connecting.isPending) connecting.mutate();
  };
  const made = connecting.data;
  const source = made?.source;
  const isByHand = Boolean(made && source && made.by_hand.length > 0);
  return (
    <>
      {!isByHand && (
        <ol className={styles.steps} aria-label="Steps">
          {provider.steps.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
      )}
      {!made?.is_connected && !isByHand && (
        <form className={layout.form} onSubmit={onSubmit}>
          <Asked tenant={tenant} provider={provider} entered={entered} onChange={setEntered} />
          <Refused error={connecting.error} what="It was not connected" />
          {made && <Done steps={made.steps} />}
          <div>
            <Button type="submit" look="primary" disabled={connecting.isPending}>
              {connecting.isPending ? 'Connecting…' : made ? 'Go on from there' : 'Connect'}
            </Button>
          </div>
        </form>
      )}
      {made && source && (made.is_connected || isByHand) && (
        <>
          <Done steps={made.steps} isByHand={isByHand} />
          {isByHand && (
            <ByHand
              tenant={tenant}
              name={provider.name}
              source={source}
              made={made}
              madeKey={madeKey}
              isLooking={connecting.isPending}
              onLook={() => connecting.mutate()}
            />
          )}
          <Refused error={connecting.error} what="It could not be looked at" />
          <Proof tenant={tenant} source={source.source_id} name={provider.name} />
        </>
      )}
    </>
  );
}

function Asked({
  tenant,
  provider,
  entered,
  onChange,
}: {
  tenant: string;
  provider: Schemas['Connectable'];
  entered: Entered;
  onChange: (next: Entered) => void;
}) {
  const offices = useQuery(officesQuery(tenant)).data?.items ?? [];
  const sources = useQuery(sourcesQuery(tenant)).data?.items ?? [];
  const there = sources.filter((one) => one.provider === provider.provider).length;
  const set = (next: Partial<Entered>) => onChange({ ...entered, ...next });
  return (
    <>
      {provider.fields.map((field) => (
        <Field
          key={field.name}
          label={field.is_required ? field.label : `${field.label} (may be left empty)`}
          help={field.help}
        >
          {(props) => (
            <Input
              {...props}
              type={field.kind === 'password' ? 'password' : 'text'}
              value={entered.fields[field.name] ?? ''}
              onChange={(value) => set({ fields: { ...entered.fields, [field.name]: value } })}
              required={field.is_required}
              autoComplete="off"
              spellCheck={false}
            />
          )}
        </Field>
      ))}
      {!provider.is_connected_by_call && (
        <Field
          label="Account IDs (may be left empty)"
          help="The company’s ids in every form that its deliveries name it, with a comma between them."
        >
          {(props) => (
            <Input {...props} value={entered.accounts} onChange={(accounts) => set({ accounts })} />
          )}
        </Field>
      )}
      {offices.length > 1 && (
        <Field label="Office" help="Its leads belong to this one.">
          {(props) => (
            <Select {...props} value={entered.office} onChange={(office) => set({ office })}>
              <option value="">The first: {offices[0]?.name}</option>
              {offices.map((one) => (
                <option key={one.office_id} value={one.office_id}>
                  {one.name}
                </option>
              ))}
            </Select>
          )}
        </Field>
      )}
      {there > 0 && (
        <Field
          label="A short name for another account (may be left empty)"
          help={`${provider.name} is connected already: left empty, this goes on with that one. For another account of the company choose a name of lower-case letters, digits and hyphens, such as ${provider.provider}-south.`}
        >
          {(props) => (
            <Input
              {...props}
              value={entered.connection}
              onChange={(connection) => set({ connection })}
              pattern="[a-z0-9][a-z0-9_\-]{0,62}"
              autoComplete="off"
              spellCheck={false}
            />
          )}
        </Field>
      )}
    </>
  );
}

/** What was done. Where the rest is a person's, what is not done yet is no failure. */
function Done({ steps, isByHand = false }: { steps: Connected['steps']; isByHand?: boolean }) {
  return (
    <ol className={styles.done} aria-label="What was done">
      {steps.map((step) => (
        <li key={step.step} data-done={step.is_done || (isByHand ? 'later' : false)}>
          <span aria-hidden>{step.is_done ? '✓' : isByHand ? '○' : '✕'}</span>
          <span>
            <strong>{plain(step.step)}</strong>
            <span className="hidden-but-read">
              {step.is_done ? ', done' : isByHand ? ', to do' : ', failed'}
            </span>
            : {step.detail}
          </span>
        </li>
      ))}
    </ol>
  );
}
