import { expect, test } from '../support/test';

test('who administers the installation creates, renames and suspends a company', async ({
  page,
  enterAsOperator,
  product,
}) => {
  await enterAsOperator('/');
  await page.getByRole('link', { name: 'Companies' }).click();
  await expect(page.getByRole('row', { name: /Demo Company/ })).toContainText('takes leads');
  await page.getByRole('button', { name: 'Create a company' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('Küchen <b>Austin</b>');
  const slug = dialog.getByLabel('Short name');
  await expect(slug).toHaveValue('kuchen-b-austin-b');
  await slug.fill('Küchen');
  await expect(dialog).toContainText('Write small letters');
  await expect(dialog.getByRole('button', { name: 'Create' })).toBeDisabled();
  await slug.fill('tenant_demo');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await expect(dialog.getByRole('alert')).toContainText('It was not created');
  await slug.fill('kuchen');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await expect(page.getByRole('status')).toContainText('Küchen <b>Austin</b> is there.');

  const row = page.getByRole('row', { name: /kuchen/ });
  await row.getByRole('button', { name: /Rename/ }).click();
  await dialog.getByLabel('Name', { exact: true }).fill('Küchen Austin');
  await dialog.getByRole('button', { name: 'Rename' }).click();
  await expect(row).toContainText('Küchen Austin');
  await row.getByRole('button', { name: /Suspend/ }).click();
  const suspend = dialog.getByRole('button', { name: 'Suspend' });
  await expect(suspend).toBeDisabled();
  await dialog.getByLabel('Type kuchen to go on').fill('kuchen');
  await suspend.click();
  await expect(row).toContainText('suspended');
  const kept = async () => {
    const { items } = JSON.parse(await product.command('tenant', 'list', '--json')) as {
      items: { tenant_id: string; name: string; status: string }[];
    };
    return items.find((one) => one.tenant_id === 'kuchen');
  };
  expect(await kept()).toEqual({ tenant_id: 'kuchen', name: 'Küchen Austin', status: 'suspended' });
  await row.getByRole('button', { name: /Resume/ }).click();
  await dialog.getByRole('button', { name: 'Resume' }).click();
  await expect(row).toContainText('takes leads');
  expect((await kept())?.status).toBe('active');

  await page.getByLabel('Find a company').fill('zeppelin');
  await expect(page.getByText('No company is called so')).toBeVisible();
  await page.getByRole('button', { name: 'Show all of them' }).click();
  await row.getByRole('link', { name: 'Küchen Austin' }).click();
  await expect(page.getByRole('heading', { name: 'Today', level: 1 })).toBeVisible();
  await expect(page).toHaveURL(/\/t\/kuchen$/);
});

test('who sees one company is not led to others, and finds none there', async ({ enter, product }) => {
  const page = await enter('', 'tenant_admin');
  await expect(page.getByRole('link', { name: 'Settings' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Companies' })).toHaveCount(0);
  await page.goto(`${product.url}/dashboard/platform/tenants`);
  await expect(page.getByRole('row')).toHaveCount(2);
  await expect(page.getByRole('row', { name: /Demo Company/ })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Create a company' })).toHaveCount(0);
});

test('companies are listed also where nobody can say what waits there', async ({ enterAsOperator, page }) => {
  const refused = {
    type: '/problems/internal',
    title: 'It failed',
    status: 400,
    detail: 'A company is broken.',
  };
  await page.route('**/v1/me/tenants', (route) => route.fulfill({ status: 400, json: refused }));
  await enterAsOperator('/platform/tenants');
  await expect(page.getByRole('alert')).toContainText('What waits in each company cannot be read now');
  await expect(page.getByRole('link', { name: 'Demo Company' })).toBeVisible();
  await page.unroute('**/v1/me/tenants');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test('who runs the installation sees what named no company, and nobody else does', async ({
  enter,
  enterAsOperator,
  page,
  product,
}) => {
  await fetch(`${product.url}/v1/hooks/nobodys-token/post-call`, { method: 'POST', body: '{}' });
  await enter('', 'tenant_admin');
  await page.goto(`${product.url}/dashboard/platform/security`);
  await expect(page.getByText('This takes the role platform_admin')).toBeVisible();
  await expect(page.getByRole('row')).toHaveCount(0);
  await enterAsOperator('/platform/tenants');
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Security' }).click();
  const row = page.getByRole('row', { name: /No such company/ }).first();
  await expect(row).toContainText('127.0.0.1');
  await row.getByRole('link').click();
  await expect(page).toHaveURL(/address=127/);
  await page.getByLabel('Why').selectOption('too_many_failures');
  await expect(page.getByText('Nothing was refused for that')).toBeVisible();
  await page.getByRole('link', { name: /^All/ }).click();
  await expect(row).toBeVisible();
});
