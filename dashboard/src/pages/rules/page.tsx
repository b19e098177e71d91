import { useQuery } from '@tanstack/react-query';
import { Link, useParams, useSearch } from '@tanstack/react-router';
import { diffQuery, restoreVersion, versionsQuery } from '../../api/config';
import { configQuery } from '../../api/config-query';
import { connectionsQuery } from '../../api/connections';
import { keys } from '../../api/keys';
import History from '../../ui/draft/history';
import FailureNote from '../../ui/failure/failure';
import layout from '../../ui/layout/layout.module.css';
import { useOfficePage } from '../../ui/office-page/use-office-page';
import PageHead from '../../ui/page-head/page-head';
import Skeleton from '../../ui/skeleton/skeleton';
import RulesForm from './parts/rules-form';

/** What happens with an office's leads, version by version. */
export default function Rules() {
  const { tenant } = useParams({ from: '/t/$tenant/rules' });
  const { office: wanted } = useSearch({ from: '/t/$tenant/rules' });
  const { office, picker, instead } = useOfficePage({
    tenant,
    wanted,
    link: (id) => <Link to="/t/$tenant/rules" params={{ tenant }} search={{ office: id }} />,
    bones: { rows: 4, height: 120 },
    none: 'Rules belong to an office: add one in the settings first.',
  });
  return (
    <div className={layout.page}>
      <PageHead
        name="Rules"
        lead="What happens with an office’s leads: what is spam, where the company works, and which CRMs get them. Every save is a new version; nothing is overwritten."
      />
      {picker}
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
        what="The rules cannot be read."
        onRetry={() => void saved.refetch()}
      />
    );
  }
  if (!saved.data || connections.isPending) return <Skeleton rows={4} height={120} />;
  return (
    <>
      <RulesForm
        tenant={tenant}
        office={office}
        saved={saved.data}
        connections={connections.data?.items ?? []}
      />
      <History
        current={saved.data.version}
        versions={versionsQuery(tenant, office)}
        diff={(from, to) => diffQuery(tenant, office, from, to)}
        restore={(version, upon) => restoreVersion(tenant, office, version, upon)}
        changes={keys.configs(tenant)}
        meaning="What it says is saved as a new version and counts for leads that are judged from then on."
      />
    </>
  );
}
