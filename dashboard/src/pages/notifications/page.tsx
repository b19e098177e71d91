import { useQuery } from '@tanstack/react-query';
import { Link, useParams, useSearch } from '@tanstack/react-router';
import { configQuery } from '../../api/config-query';
import { connectionsQuery } from '../../api/connections';
import FailureNote from '../../ui/failure/failure';
import layout from '../../ui/layout/layout.module.css';
import { useOfficePage } from '../../ui/office-page/use-office-page';
import PageHead from '../../ui/page-head/page-head';
import Skeleton from '../../ui/skeleton/skeleton';
import Lately from './parts/lately';
import ToldForm from './parts/told-form';
import Waiting from './parts/waiting';

/** Who is told of an office's leads and by what way, and how that went lately. */
export default function Notifications() {
  const { tenant } = useParams({ from: '/t/$tenant/notifications' });
  const { office: wanted } = useSearch({ from: '/t/$tenant/notifications' });
  const { office, picker, instead } = useOfficePage({
    tenant,
    wanted,
    link: (id) => <Link to="/t/$tenant/notifications" params={{ tenant }} search={{ office: id }} />,
    bones: { rows: 3, height: 160 },
    none: 'Who is told belongs to an office: add one in the settings first.',
  });
  return (
    <div className={layout.page}>
      <PageHead
        name="Notifications"
        lead="Who is told of each genuine lead of the area, and how. Everybody gets a message of their own, once. A save is a new version of the office’s rules."
      />
      {picker}
      <Waiting tenant={tenant} />
      {instead || (office && <Whole key={office.office_id} tenant={tenant} office={office.office_id} />)}
    </div>
  );
}

function Whole({ tenant, office }: { tenant: string; office: string }) {
  const saved = useQuery(configQuery(tenant, office));
  const connections = useQuery(connectionsQuery(tenant));
  if (saved.isError && !saved.data) {
    return (
      <FailureNote
        error={saved.error}
        what="Who is told cannot be read."
        onRetry={() => void saved.refetch()}
      />
    );
  }
  if (!saved.data || connections.isPending) return <Skeleton rows={3} height={160} />;
  return (
    <>
      {connections.isError && (
        <p role="alert">The company’s accounts cannot be read now: what is chosen stays.</p>
      )}
      <ToldForm
        tenant={tenant}
        office={office}
        saved={saved.data}
        connections={connections.data?.items ?? []}
      />
      <Lately tenant={tenant} office={office} said={saved.data.config} />
    </>
  );
}
