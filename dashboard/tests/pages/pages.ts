// Every page, for the checks that each must pass and for the manual's pictures.
import type { Page } from '@playwright/test';

export type PageUnderTest = {
  name: string;
  /** Its path in the demo company, with the ids of leads that were sent before: `{completed}`, `{review}`. */
  path: string;
  /** What stands on it when it is whole. */
  shows: string;
  /** It belongs to no company: its path begins at the dashboard, and whoever administers the installation opens it. */
  isOfPlatform?: boolean;
  /** What somebody does there first: not everything has an address. */
  reach?: (page: Page) => Promise<void>;
};

/** A provider that has no API for webhooks, as another account than the one that is there. */
export async function connectByHand(page: Page, connection: string): Promise<void> {
  await page.getByRole('button', { name: /^Intercom/ }).click();
  await page.getByLabel('Secret').fill('an-access-token');
  await page.getByLabel(/A short name for another account/).fill(connection);
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
}

/** A field of HubSpot, filled otherwise than usual, and what would be sent by it. */
async function previewField(page: Page): Promise<void> {
  const contacts = page.getByRole('region', { name: 'Contacts', exact: true });
  await contacts.getByText(/^Filled as usual/).click();
  await contacts.getByRole('button', { name: /^Fill otherwise.*city/i }).click();
  await contacts.getByText(/^Filled as usual/).click();
  await contacts.getByLabel('What becomes of it').selectOption('upper');
  await page.getByRole('button', { name: 'Show it' }).click();
}

export const PAGES: readonly PageUnderTest[] = [
  { name: 'today', path: '', shows: 'Coming in' },
  { name: 'leads', path: '/leads', shows: 'Dana Whitfield' },
  { name: 'leads-peek', path: '/leads?sort=score&peek={completed}', shows: 'Came by' },
  { name: 'leads-none', path: '/leads?status=held&q=zeppelin', shows: 'No lead matches' },
  { name: 'lead', path: '/leads/{completed}?at=22.7', shows: 'What happened' },
  { name: 'lead-booking', path: '/leads/{booking}', shows: 'Somebody else has this time' },
  { name: 'lead-form', path: '/leads/{form}', shows: 'could not be read' },
  { name: 'lead-kept-out', path: '/leads/{quarantined}', shows: 'What happened' },
  {
    name: 'lead-absent',
    path: '/leads/req_0199f3a100007000800000000000002a',
    shows: 'not here, or not yours',
  },
  { name: 'review', path: '/review', shows: 'If you approve' },
  { name: 'quarantine', path: '/quarantine', shows: 'Release selected' },
  { name: 'quarantine-area', path: '/quarantine?kind=area', shows: 'Release selected' },
  { name: 'stuck', path: '/stuck', shows: 'HubSpot refuses the secret' },
  { name: 'start', path: '/start', shows: 'Each step proves itself' },
  { name: 'sources', path: '/sources', shows: 'CallRail' },
  { name: 'source', path: '/sources/{callrail}', shows: 'See it' },
  {
    name: 'source-delivery',
    path: '/sources/{callrail}',
    shows: 'proven by',
    reach: (page) =>
      page
        .getByRole('button', { name: /See it/ })
        .first()
        .click(),
  },
  { name: 'source-forms', path: '/sources/{webforms}', shows: 'Honeypots' },
  { name: 'sources-refused', path: '/sources/refused', shows: 'The signing key here' },
  { name: 'source-connect', path: '/sources/new', shows: 'we register its webhooks' },
  {
    name: 'source-by-hand',
    path: '/sources/new',
    shows: 'look whether it came',
    reach: (page) => connectByHand(page, 'intercom-south'),
  },
  { name: 'crm', path: '/crm', shows: 'secret refused' },
  {
    name: 'crm-fields',
    path: '/crm/hubspot/mapping?lead={completed}',
    shows: 'Letter by letter',
    reach: previewField,
  },
  { name: 'notifications', path: '/notifications', shows: 'How it went lately' },
  { name: 'area', path: '/area', shows: 'nearest to the middle' },
  { name: 'rules', path: '/rules', shows: 'in use' },
  { name: 'settings-company', path: '/settings/company', shows: 'America/Chicago' },
  { name: 'settings-people', path: '/settings/people', shows: 'luis@example.com' },
  { name: 'settings-keys', path: '/settings/keys', shows: 'Weekly report' },
  { name: 'settings-audit', path: '/settings/audit', shows: 'without a gap' },
  { name: 'me', path: '/me', shows: 'this one' },
  // The last: whoever opens them stays who they are.
  { name: 'tenants', path: '/platform/tenants', shows: 'suspended', isOfPlatform: true },
  { name: 'security', path: '/platform/security', shows: 'The URL names no company', isOfPlatform: true },
];

export const SIZES = [
  { name: 'desk', width: 1440, height: 900 },
  { name: 'phone', width: 390, height: 844 },
] as const;
export const THEMES = ['light', 'dark'] as const;
