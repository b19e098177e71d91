import { expect, test } from '../support/test';

test('a refused secret is replaced, and a further connection is added', async ({
  signedIn: page,
  product,
}) => {
  await product.fault('hubspot', { kind: 'revoked_token' });
  const id = await product.call('kitchen-quote', '+15125550401');
  await product.until(id, 'held');
  await page.keyboard.press('g');
  await page.keyboard.press('m');
  const row = page.getByRole('row', { name: /^HubSpot/ });
  await expect(row).toContainText('secret refused');
  await expect(row).toContainText('Austin');
  await row.getByRole('button', { name: /New secret/ }).click();
  await page.getByRole('textbox', { name: 'Secret' }).fill('pat-na1-simulated-hubspot-token');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('1 step goes on')).toBeVisible();
  await product.until(id, 'completed');
  await expect(row).toContainText('taken');

  await page.getByRole('button', { name: 'Add a connection' }).click();
  await page.getByLabel('Name').fill('second-crm');
  await page.getByLabel('Provider').fill('no-such-crm');
  await page.getByRole('textbox', { name: 'Secret' }).fill('pat-na1-simulated-hubspot-token');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('It was not added');
  await page.getByLabel('Provider').fill('hubspot');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByRole('row', { name: /second-crm/ })).toBeVisible();
});

test('who does not administer sees the state, and why a secret is not theirs', async ({ enter }) => {
  const page = await enter('/crm', 'viewer');
  await expect(page.getByRole('button', { name: /New secret/ }).first()).toBeDisabled();
  await expect(page.getByRole('button', { name: 'Add a connection' })).toHaveAttribute(
    'title',
    /tenant_admin/,
  );
});
