// The names under which answers are kept. Everything of a tenant begins with it, so that leaving drops it all.
export const keys = {
  me: ['me'] as const,
  tenant: (tenant: string) => ['t', tenant] as const,
  lists: (tenant: string) => ['t', tenant, 'leads'] as const,
  list: (tenant: string, search: object) => ['t', tenant, 'leads', search] as const,
  counts: (tenant: string) => ['t', tenant, 'count'] as const,
  count: (tenant: string, search: object) => ['t', tenant, 'count', search] as const,
  lead: (tenant: string, id: string) => ['t', tenant, 'lead', id] as const,
  figures: (tenant: string) => ['t', tenant, 'figures'] as const,
  work: (tenant: string) => ['t', tenant, 'work'] as const,
  offices: (tenant: string) => ['t', tenant, 'offices'] as const,
  connections: (tenant: string) => ['t', tenant, 'connections'] as const,
};
