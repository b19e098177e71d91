import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectByHand } from '../pages/pages';
import { expect, test } from '../support/test';

test('a source is connected step by step, and a test proves it', async ({ signedIn: page }) => {
  await page.keyboard.press('g');
  await page.keyboard.press('o');
  await page.getByRole('link', { name: 'Connect a source' }).click();
  await page.getByRole('button', { name: /^Calendly/ }).click();
  const secret = page.getByLabel('Secret');
  await secret.fill('not-the-token');
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  // The provider refuses it: said at its step, and the same form goes on from there.
  await expect(page.getByRole('list', { name: 'What was done' })).toContainText('✕');
  await secret.fill('simulated-calendly-token');
  await page.getByRole('button', { name: 'Go on from there' }).click();
  await expect(page.getByRole('list', { name: 'What was done' })).not.toContainText('✕');
  await page.getByRole('button', { name: 'Send a test' }).click();
  await expect(page.getByRole('region', { name: 'Test' }).getByRole('status')).toBeVisible();
  await page.getByRole('link', { name: 'See Calendly' }).click();
  await expect(page.getByRole('heading', { name: 'Calendly', level: 1 })).toBeVisible();
});

test('what a provider has no API for is said, with what to copy there, until its deliveries come', async ({
  enter,
  product,
}) => {
  const page = await enter('/sources/new');
  await connectByHand(page, 'intercom-north');
  const there = page.getByRole('list', { name: 'At Intercom' });
  await expect(there.getByRole('listitem')).toHaveText([
    /Developer Hub/,
    /signing key/,
    /send something, then connect it again/,
  ]);
  const url = await page.getByText(/^http.*\/v1\/hooks\//).textContent();
  const done = page.getByRole('list', { name: 'What was done' });
  await expect(done.getByText('Signing key, to do')).toBeVisible();
  await page.getByLabel('Signing key').fill('the-app-of-the-north');
  await page.getByRole('button', { name: 'Store it' }).click();
  await expect(done.getByText('Signing key, done')).toBeVisible();
  // Still the same URL, and nothing has come by it.
  await page.getByRole('button', { name: 'It is done: look whether it came' }).click();
  await expect(done.getByText('Webhooks, to do')).toBeVisible();
  await expect(page.getByText(url ?? '')).toBeVisible();
  await page.getByRole('link', { name: 'See Intercom' }).click();
  await expect(page.getByRole('heading', { name: 'Intercom', level: 1 })).toBeVisible();
  const { items } = await product.api<{ items: { connection: string }[] }>('sources');
  expect(items.filter((one) => one.connection === 'intercom-north')).toHaveLength(1);
});

test('a source is named, and of two who do so the later chooses', async ({ enter, product }) => {
  type Source = { source_id: string; provider: string; name: string | null; accounts: string[] };
  const { items } = await product.api<{ items: Source[] }>('sources');
  const id = items.find((one) => one.provider === 'calendly')?.source_id ?? '';
  const page = await enter(`/sources/${id}`);
  const form = page.getByRole('region', { name: 'Name and office' });
  await form.getByLabel('Name').fill('Showroom visits');
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('heading', { name: 'Showroom visits', level: 1 })).toBeVisible();
  await expect(form.getByText('It counts within 5 seconds')).toBeVisible();
  // Somebody else is faster.
  await form.getByLabel('Name').fill('Visits <i>here</i>');
  await product.command('source', 'set', id, '--name', 'Visits to us', '--as', 'luis');
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(form.getByText('theirs is “Visits to us”, yours is “Visits <i>here</i>”')).toBeVisible();
  await form.getByRole('button', { name: 'Save mine over it' }).click();
  await expect(page.getByRole('heading', { name: 'Visits <i>here</i>', level: 1 })).toBeVisible();
  const saved = await product.api<Source>(`sources/${id}`);
  expect(saved.name).toBe('Visits <i>here</i>');
  await page.getByRole('link', { name: 'Sources', exact: true }).first().click();
  await expect(page.getByRole('article', { name: 'Visits <i>here</i>' })).toContainText('Calendly');
});

test('a delivery is read again from where it is looked at', async ({ enter, product }) => {
  const id = await product.call('kitchen-quote', '+15125550321');
  await product.until(id, 'completed');
  const page = await enter(`/leads/${id}`);
  const see = page.getByRole('region', { name: 'Deliveries' }).getByRole('button', { name: /See it/ });
  await see.last().click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('Made a lead');
  await dialog.getByRole('button', { name: 'Replay' }).click();
  await expect(dialog.getByRole('status')).toContainText('It is being read again');
  await dialog.getByRole('link', { name: 'its lead' }).click();
  await expect(page).toHaveURL(new RegExp(id));
  await product.until(id, 'completed');
});

test('a viewer sees what a delivery became, and who may replay it', async ({ enter, product }) => {
  const id = await product.call('kitchen-quote', '+15125550322');
  await product.until(id, 'completed');
  const page = await enter(`/leads/${id}`, 'viewer');
  const see = page.getByRole('region', { name: 'Deliveries' }).getByRole('button', { name: /See it/ });
  await see.last().click();
  const replay = page.getByRole('dialog').getByRole('button', { name: 'Replay' });
  await expect(replay).toBeDisabled();
  await expect(replay).toHaveAttribute('title', /operator/);
});

test('a source shows what it delivered, and is switched off and on', async ({ enter, product }) => {
  const id = await product.call('kitchen-quote', '+15125550301');
  await product.until(id, 'completed');
  const { items } = await product.api<{ items: { source_id: string; provider: string }[] }>('sources');
  const callrail = items.find((one) => one.provider === 'callrail')?.source_id ?? '';
  const page = await enter(`/sources/${callrail}`);
  const row = page.getByRole('row', { name: new RegExp(`Lead ${id.slice(-8)}`) });
  await row.getByRole('button', { name: /See it/ }).click();
  await expect(page.getByRole('dialog')).toContainText('5125550301');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Switch off' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Switch off' }).click();
  await expect(page.getByText('It is switched off here')).toBeVisible();
  await page.getByRole('button', { name: 'Switch on' }).click();
  await expect(page.getByRole('button', { name: 'Switch off' })).toBeVisible();
});

test('a signing key is changed with both taken meanwhile', async ({ enter, product }) => {
  const { items } = await product.api<{ items: { source_id: string; provider: string }[] }>('sources');
  const source = items.find((one) => one.provider === 'intercom')?.source_id ?? '';
  const page = await enter(`/sources/${source}`);
  const keys = page.getByRole('region', { name: 'Signing keys' });
  await expect(keys.getByRole('button', { name: /Remove/ })).toBeDisabled();
  await keys.getByLabel('A further key').fill('the-next-client-secret');
  await keys.getByRole('button', { name: 'Add' }).click();
  await expect(keys.getByRole('listitem')).toHaveCount(2);
  await keys
    .getByRole('button', { name: /Remove/ })
    .first()
    .click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await expect(keys.getByRole('listitem')).toHaveCount(1);
});

test('how forms are read is set as their schema says, and of two who do so the later chooses', async ({
  enter,
  product,
}) => {
  const { items } = await product.api<{ items: { source_id: string; provider: string }[] }>('sources');
  const forms = items.find((one) => one.provider === 'webforms')?.source_id ?? '';
  const page = await enter(`/sources/${forms}`);
  await expect(page.getByRole('region', { name: 'For your web designer' })).toContainText('<form');
  const settings = page.getByRole('region', { name: 'Settings' });
  await expect(settings).toContainText('These are the defaults');
  await settings.getByLabel('Domains').fill('www.example.com\nnot a domain');
  await settings.getByRole('group', { name: 'Mapping' }).getByLabel('Add a field').selectOption('zip');
  await settings.getByLabel('Zip').fill('your-zip');
  await settings.getByRole('button', { name: 'Save' }).click();
  await expect(settings.getByRole('alert')).toContainText('not saved');
  await settings.getByLabel('Domains').fill('www.example.com');
  await settings.getByRole('button', { name: 'Save' }).click();
  await expect(settings).toContainText('Version 1');
  // Somebody else is faster.
  await settings.getByLabel('Quarantine from').fill('80');
  const file = join(product.folder, 'settings.json');
  writeFileSync(file, JSON.stringify({ quarantine_from: 90 }));
  await product.command('source', 'settings', 'set', forms, file, '--as', 'luis');
  await settings.getByRole('button', { name: 'Save' }).click();
  await expect(settings).toContainText('Somebody else saved version 2');
  await settings.getByRole('button', { name: 'Save mine over it' }).click();
  await expect(settings).toContainText('Version 3');
  const saved = await product.api<{ settings: Record<string, unknown> }>(`sources/${forms}/settings`);
  expect(saved.settings).toMatchObject({
    quarantine_from: 80,
    domains: ['www.example.com'],
    mapping: { zip: ['your-zip'] },
  });
});

test('what could not prove where it is from is listed by address and reason', async ({ enter, product }) => {
  for (const _ of [1, 2]) {
    await fetch(`${product.url}/v1/hooks/demo-callrail/post-call`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', signature: 'forged' },
      body: '{}',
    });
  }
  const page = await enter('/sources');
  await page.getByRole('link', { name: 'Refused deliveries' }).click();
  const row = page.getByRole('row', { name: /CallRail/ }).first();
  await expect(row).toContainText('Wrong signature');
  await row.getByRole('link').click();
  await expect(page).toHaveURL(/address=127/);
  await page.getByLabel('Why').selectOption('stale_signature');
  await expect(page.getByText('Nothing was refused for that')).toBeVisible();
});
