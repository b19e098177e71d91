import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { meQuery } from '../../api/queries';
import { catalogueQuery } from '../../api/sources';
import { useRefusal } from '../../shell/role';
import Button from '../../ui/button/button';
import FailureNote from '../../ui/failure/failure';
import Forbidden from '../../ui/forbidden/forbidden';
import PageHead from '../../ui/page-head/page-head';
import Skeleton from '../../ui/skeleton/skeleton';
import styles from './page.module.css';
import Wizard from './parts/wizard';

/** Connects a source: which, its key, what we register or what is to be done there, and a test that proves it. */
export default function Connect() {
  const { tenant } = useParams({ from: '/t/$tenant/sources/new' });
  const refusal = useRefusal('tenant_admin');
  const me = useQuery(meQuery);
  const catalogue = useQuery(catalogueQuery(tenant));
  const [chosen, setChosen] = useState<string | null>(null);
  const provider = catalogue.data?.items.find((one) => one.provider === chosen);
  return (
    <div className={styles.page}>
      <PageHead
        name={provider ? `Connect ${provider.name}` : 'Connect a source'}
        within="Sources"
        lead={provider ? undefined : 'Which one? It takes about two minutes.'}
      >
        {provider && <Button onClick={() => setChosen(null)}>Another one</Button>}
      </PageHead>
      {me.isPending || catalogue.isPending ? (
        <Skeleton rows={6} height={64} />
      ) : refusal ? (
        <Forbidden refusal={refusal} />
      ) : catalogue.isError ? (
        <FailureNote
          error={catalogue.error}
          what="What can be connected cannot be read."
          onRetry={() => void catalogue.refetch()}
        />
      ) : provider ? (
        <Wizard key={provider.provider} tenant={tenant} provider={provider} />
      ) : (
        <ul className={styles.choices}>
          {catalogue.data.items.map((one) => (
            <li key={one.provider}>
              <button type="button" className={styles.choice} onClick={() => setChosen(one.provider)}>
                <strong>{one.name}</strong>
                <span>
                  {one.is_connected_by_call
                    ? 'we register its webhooks for you'
                    : 'you enter one URL at the provider'}
                  {one.is_audited && ' · compared day by day'}
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
