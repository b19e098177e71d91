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

test('a source shows what it delivered, and is switched off and on', async ({ signedIn: page, product }) => {
  const id = await product.call('kitchen-quote', '+15125550301');
  await product.until(id, 'completed');
  const { items } = await product.api<{ items: { source_id: string; provider: string }[] }>('sources');
  const callrail = items.find((one) => one.provider === 'callrail')?.source_id ?? '';
  await page.goto(`${product.url}/dashboard/t/tenant_demo/sources/${callrail}`);
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

test('a signing key is changed with both taken meanwhile', async ({ signedIn: page, product }) => {
  const { items } = await product.api<{ items: { source_id: string; provider: string }[] }>('sources');
  const source = items.find((one) => one.provider === 'intercom')?.source_id ?? '';
  await page.goto(`${product.url}/dashboard/t/tenant_demo/sources/${source}`);
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
