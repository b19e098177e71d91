// Every page, for the checks that each must pass and for the manual's pictures.

export type PageUnderTest = {
  name: string;
  /** Its path, with the ids of leads that were sent before: `{completed}`, `{review}`. */
  path: string;
  /** What stands on it when it is whole. */
  shows: string;
};

export const PAGES: readonly PageUnderTest[] = [
  { name: 'today', path: '/t/tenant_demo', shows: 'Coming in' },
  { name: 'leads', path: '/t/tenant_demo/leads', shows: 'Dana Whitfield' },
  { name: 'leads-peek', path: '/t/tenant_demo/leads?sort=score&peek={completed}', shows: 'Came by' },
  { name: 'leads-none', path: '/t/tenant_demo/leads?status=held&q=zeppelin', shows: 'No lead matches' },
  { name: 'lead', path: '/t/tenant_demo/leads/{completed}?at=22.7', shows: 'What happened' },
  { name: 'lead-booking', path: '/t/tenant_demo/leads/{booking}', shows: 'Somebody else has this time' },
  { name: 'lead-kept-out', path: '/t/tenant_demo/leads/{quarantined}', shows: 'What happened' },
  {
    name: 'lead-absent',
    path: '/t/tenant_demo/leads/req_0199f3a100007000800000000000002a',
    shows: 'not here, or not yours',
  },
  { name: 'review', path: '/t/tenant_demo/review', shows: 'If you approve' },
  { name: 'quarantine', path: '/t/tenant_demo/quarantine', shows: 'Release selected' },
  { name: 'quarantine-area', path: '/t/tenant_demo/quarantine?kind=area', shows: 'Release selected' },
  { name: 'stuck', path: '/t/tenant_demo/stuck', shows: 'HubSpot refuses the secret' },
  { name: 'start', path: '/t/tenant_demo/start', shows: 'Each step proves itself' },
  { name: 'sources', path: '/t/tenant_demo/sources', shows: 'CallRail' },
  { name: 'source', path: '/t/tenant_demo/sources/{callrail}', shows: 'See it' },
  { name: 'source-forms', path: '/t/tenant_demo/sources/{webforms}', shows: 'Honeypots' },
  { name: 'sources-refused', path: '/t/tenant_demo/sources/refused', shows: 'The signing key here' },
  { name: 'source-connect', path: '/t/tenant_demo/sources/new', shows: 'we register its webhooks' },
  { name: 'crm', path: '/t/tenant_demo/crm', shows: 'secret refused' },
  { name: 'area', path: '/t/tenant_demo/area', shows: 'nearest to the middle' },
  { name: 'rules', path: '/t/tenant_demo/rules', shows: 'in use' },
  { name: 'settings-company', path: '/t/tenant_demo/settings/company', shows: 'America/Chicago' },
  { name: 'settings-people', path: '/t/tenant_demo/settings/people', shows: 'luis@example.com' },
  { name: 'settings-keys', path: '/t/tenant_demo/settings/keys', shows: 'Weekly report' },
  { name: 'settings-audit', path: '/t/tenant_demo/settings/audit', shows: 'without a gap' },
  { name: 'me', path: '/t/tenant_demo/me', shows: 'this one' },
];

export const SIZES = [
  { name: 'desk', width: 1440, height: 900 },
  { name: 'phone', width: 390, height: 844 },
] as const;
export const THEMES = ['light', 'dark'] as const;
