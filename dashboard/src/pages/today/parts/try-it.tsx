import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, read, type Schemas } from '../../../api/client';
import { connectionsQuery } from '../../../api/connections';
import { useRefusal } from '../../../shell/role';
import { providerName } from '../../../text/words';
import Button from '../../../ui/button/button';
import Copy from '../../../ui/copy/copy';
import Refused from '../../../ui/note/refused';
import { demoQuery } from '../queries';
import styles from './try-it.module.css';

type Sample = Schemas['DemoSample'];
type Provider = Schemas['DemoProvider'];

const SAMPLES: Record<Sample, { act: string; done: string }> = {
  call: { act: 'Send a call', done: 'A call came in' },
  robocall: { act: 'Send a robocall', done: 'A robocall came in: it is kept out' },
  out_of_area_call: { act: 'Send a call from elsewhere', done: 'A call came in from outside of the area' },
  form: { act: 'Send a form', done: 'A form came in' },
};

/** Simulated providers do on demand what real ones do by themselves. Nothing where there are none. */
export default function TryIt({ tenant }: { tenant: string }) {
  const cache = useQueryClient();
  const refusal = useRefusal('operator');
  const demo = useQuery(demoQuery(tenant));
  const [sent, setSent] = useState<{ sample: Sample; id: string | null } | null>(null);
  const params = { path: { tenant_id: tenant } };
  const sending = useMutation({
    mutationFn: (sample: Sample) =>
      read(api.POST('/v1/tenants/{tenant_id}/demo/deliveries', { params, body: { sample } })),
    onSuccess: ({ request_id }, sample) => setSent({ sample, id: request_id }),
  });
  const turning = useMutation({
    mutationFn: ({ provider, is_refusing }: Provider) =>
      read(
        is_refusing
          ? api.DELETE('/v1/tenants/{tenant_id}/demo/faults', { params })
          : api.POST('/v1/tenants/{tenant_id}/demo/faults', { params, body: { provider } }),
      ),
    onSuccess: (world) => {
      setSent(null);
      cache.setQueryData(demoQuery(tenant).queryKey, world);
    },
  });
  if (!demo.data) return null;
  const { samples, providers } = demo.data;
  return (
    <section className={styles.strip} aria-labelledby="try-it">
      <div className={styles.acts}>
        <h2 id="try-it">Try it</h2>
        {samples.map((sample) => (
          <Button
            key={sample}
            refusal={refusal}
            disabled={sending.isPending}
            onClick={() => sending.mutate(sample)}
          >
            {SAMPLES[sample].act}
          </Button>
        ))}
        {providers.map((one) => (
          <Button
            key={one.provider}
            refusal={refusal}
            disabled={turning.isPending}
            onClick={() => turning.mutate(one)}
          >
            {one.is_refusing ? 'Mend' : 'Break'} {providerName(one.provider)}
          </Button>
        ))}
      </div>
      <div className={styles.told} role="status">
        {sent ? (
          <>
            {SAMPLES[sent.sample].done}.{' '}
            {sent.id && (
              <Link to="/t/$tenant/leads/$id" params={{ tenant, id: sent.id }}>
                See it
              </Link>
            )}
          </>
        ) : (
          'Providers are simulated here: nothing leaves this machine.'
        )}
        {providers.map((one) => (
          <State key={one.provider} tenant={tenant} of={one} />
        ))}
      </div>
      <Refused error={sending.error ?? turning.error} what="That did not work" />
    </section>
  );
}

/** What a provider does that was broken, and what is left to do after it was mended. */
function State({ tenant, of }: { tenant: string; of: Provider }) {
  const accounts = useQuery(connectionsQuery(tenant)).data?.items ?? [];
  const isRefused = accounts.some((one) => one.provider === of.provider && one.state === 'refused');
  const name = providerName(of.provider);
  const stuck = (
    <Link to="/t/$tenant/stuck" params={{ tenant }}>
      Stuck
    </Link>
  );
  if (of.is_refusing) {
    return (
      <p>
        {name} refuses its secret.{' '}
        {isRefused ? <>See what waits for it under {stuck}.</> : 'Send a call, and see it wait.'}
      </p>
    );
  }
  if (!isRefused) return null;
  return (
    <p>
      {name} takes its secret again. Enter <code>{of.secret}</code> under {stuck}, and what waits goes on.{' '}
      <Copy text={of.secret} name={`the secret of ${name}`} />
    </p>
  );
}
