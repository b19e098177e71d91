import { Link, useParams, useRouterState } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import PageHead from '../../ui/page-head/page-head';
import Views from '../../ui/views/views';

const PAGES = [
  { name: 'Company', to: '/t/$tenant/settings/company' },
  { name: 'People', to: '/t/$tenant/settings/people' },
  { name: 'API keys', to: '/t/$tenant/settings/keys' },
  { name: 'Audit log', to: '/t/$tenant/settings/audit' },
] as const;

/** The head of a page of the settings, with the ways to the others. */
export default function SettingsHead({
  name,
  lead,
  children,
}: {
  name: (typeof PAGES)[number]['name'];
  lead: ReactNode;
  children?: ReactNode;
}) {
  const { tenant } = useParams({ strict: false });
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <>
      <Views
        label="Settings"
        views={PAGES.map(({ name: of, to }) => ({
          name: of,
          isOpen: path.endsWith(to.slice(to.lastIndexOf('/'))),
          link: <Link to={to} params={{ tenant: tenant ?? '' }} />,
        }))}
      />
      <PageHead name={name} within="Settings" lead={lead}>
        {children}
      </PageHead>
    </>
  );
}
