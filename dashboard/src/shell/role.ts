import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { meQuery } from '../api/queries';

const ROLES = ['viewer', 'operator', 'tenant_admin', 'platform_admin'] as const;
type Role = (typeof ROLES)[number];

/** Why the person may not do what takes this role in the tenant of the address; null if they may. The server decides. */
export function useRefusal(needed: Role): string | null {
  const { tenant } = useParams({ strict: false });
  const me = useQuery(meQuery).data;
  const role = me?.tenants.find((one) => one.tenant_id === tenant)?.role ?? me?.role;
  const mayDo = role ? ROLES.indexOf(role) >= ROLES.indexOf(needed) : false;
  return mayDo ? null : `This takes the role ${needed}. Ask an administrator of your company.`;
}
