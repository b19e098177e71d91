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

test('a CRM is asked whether it takes the account, and what its records are made of', async ({
  enter,
  product,
}) => {
  const page = await enter('/crm');
  await page.getByRole('button', { name: 'Test HubSpot', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText('HubSpot takes the account')).toBeVisible();
  await dialog.getByText(/^contacts: \d+ fields/).click();
  await expect(dialog).toContainText('firstname string');
  await product.fault('hubspot', { kind: 'status', status: 401 });
  await dialog.getByRole('button', { name: 'Again' }).click();
  await expect(dialog.getByRole('alert')).toContainText('not taken');
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  // What is no CRM has nothing to be asked for.
  await page.getByRole('button', { name: 'Test SendGrid', exact: true }).click();
  await expect(dialog).toContainText('SendGrid is no CRM');
});

test('who does not administer sees the state, and why a secret is not theirs', async ({ enter }) => {
  const page = await enter('/crm', 'viewer');
  await expect(page.getByRole('button', { name: /New secret/ }).first()).toBeDisabled();
  await expect(page.getByRole('button', { name: 'Add a connection' })).toHaveAttribute(
    'title',
    /tenant_admin/,
  );
});
