import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { meQuery } from '../api/queries';

/** The tenant of the address, as whoever is signed in sees it. */
export function useCompany() {
  const { tenant } = useParams({ strict: false });
  return useQuery(meQuery).data?.tenants.find((one) => one.tenant_id === tenant);
}
