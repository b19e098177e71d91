import { expect, test } from '../support/test';

test('an office is changed, and of two who do so at once the later chooses', async ({ enter, product }) => {
  const page = await enter('/settings/company');
  await page.getByRole('button', { name: 'Change' }).click();
  await page.getByRole('checkbox').check();
  const monday = page.getByLabel('Monday');
  await monday.fill('mornings');
  await expect(page.getByText('Write times as')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Save' })).toBeDisabled();
  await monday.fill('8:00 - 12:00, 13:00-17:00');
  await page.getByLabel('Address').fill('1 Mine St');
  // Somebody else is faster.
  await product.command('office', 'set', '--name', 'Austin North');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Somebody else saved this office')).toContainText('Austin North');
  await page.getByRole('button', { name: 'Save mine over it' }).click();
  await expect(page.getByText('Austin is saved')).toBeVisible();
  await expect(page.getByText('Monday 08:00–12:00, 13:00–17:00')).toBeVisible();
  const { items } = await product.api<{ items: { address: string }[] }>('offices');
  expect(items[0]?.address).toBe('1 Mine St');
});

test('somebody is invited, and the invitation withdrawn', async ({ enter }) => {
  const page = await enter('/settings/people');
  await page.getByLabel('E-mail address').fill('ann@example.com');
  await page.getByLabel('Role').first().selectOption('operator');
  await page.getByRole('button', { name: 'Invite', exact: true }).click();
  await expect(page.getByText('ann@example.com is invited')).toContainText('mail');
  const row = page.getByRole('row', { name: /ann@example.com/ });
  await expect(row).toContainText('Operator');
  await row.getByRole('button', { name: /Withdraw/ }).click();
  await expect(row).toHaveCount(0);
});

test('a key is shown once, opens what it says, and is revoked', async ({ enter, product }) => {
  const page = await enter('/settings/keys');
  await page.getByLabel('What it is for').fill('Report <b>"weekly"</b>');
  await page.getByRole('button', { name: 'Make the key' }).click();
  const key = await page.locator('code', { hasText: /^mip_/ }).first().textContent();
  const call = (path: string) =>
    fetch(`${product.url}/v1/tenants/tenant_demo/${path}`, { headers: { authorization: `Bearer ${key}` } });
  expect((await call('requests')).status).toBe(200);
  expect((await call('people')).status).toBe(403);
  await page.reload();
  await expect(page.getByText(key ?? '')).toHaveCount(0);
  const row = page.getByRole('row', { name: /Report <b>/ });
  await row.getByRole('button', { name: /Revoke/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await expect(row).toContainText('revoked');
  await page.goto(`${product.url}/dashboard/t/tenant_demo/settings/audit`);
  await expect(page.getByText('without a gap')).toBeVisible();
});

test('who does not administer is told so, and still reads the audit log', async ({ enter }) => {
  const page = await enter('/settings/people', 'operator');
  await expect(page.getByText('This takes the role tenant_admin')).toBeVisible();
  await page.getByRole('link', { name: 'Audit log' }).click();
  await expect(page.getByRole('heading', { name: 'Audit log', level: 1 })).toBeVisible();
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test('the audit log is asked for who did what, and the address says so', async ({ enter, product }) => {
  await product.command('key', 'create', 'For the filter', '--scope', 'read', '--as', 'luis');
  const page = await enter('/settings/audit', 'viewer');
  const rows = page.getByRole('region', { name: 'Entries' }).getByRole('row');
  await rows.filter({ hasText: 'luis' }).first().getByRole('link', { name: 'luis' }).click();
  await expect(page).toHaveURL(/actor=luis/);
  await expect(page.getByLabel('Who')).toHaveValue('luis');
  await expect(page.getByText('without a gap')).toHaveCount(0);
  await expect(rows.filter({ hasNotText: 'luis' })).toHaveCount(1); // its head
  await page.getByLabel('Until').fill('2020-01-01');
  await page.getByRole('button', { name: 'Show' }).click();
  await expect(page).toHaveURL(/actor=luis&to=2020-01-01/);
  await expect(page.getByText('No entry agrees with that')).toBeVisible();
  await page.getByRole('link', { name: 'all entries' }).click();
  await expect(page.getByText('without a gap')).toBeVisible();
  await expect(rows.filter({ hasText: 'luis' }).first()).toBeVisible();
});
