import { useDist } from '../support/dist';
import { expect, test } from '../support/test';

test('the link that the console prints signs in once, and a used one says what to do', async ({
  page,
  product,
  browser,
}) => {
  const { link } = product;
  await page.goto(link);
  await expect(page.getByRole('heading', { name: 'Today', level: 1 })).toBeVisible();
  expect(page.url()).toBe(`${product.url}/dashboard/t/tenant_demo`);
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Today', level: 1 })).toBeVisible();

  const other = await browser.newContext();
  await useDist(other);
  const stranger = await other.newPage();
  await stranger.goto(link);
  await expect(stranger.getByRole('alert')).toContainText('used already');
  await expect(stranger.getByText('pipeline sign-in code', { exact: true })).toBeVisible();
  await stranger.getByLabel('Your link or code').fill(await product.newLink());
  await stranger.getByRole('button', { name: 'Sign in' }).click();
  await expect(stranger.getByRole('heading', { name: 'Today', level: 1 })).toBeVisible();
  await other.close();
});

test('whoever is not signed in comes back to where they wanted to be', async ({ page, product }) => {
  await page.goto(`${product.url}/dashboard/t/tenant_demo/leads?status=completed&sort=score`);
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await page.getByLabel('Your link or code').fill(await product.newLink());
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Leads', level: 1 })).toBeVisible();
  expect(new URL(page.url()).search).toBe('?status=completed&sort=score');
});

test('signing out ends the session here', async ({ signedIn: page, product }) => {
  await page.getByRole('button', { name: /sign out/ }).click();
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await page.goto(`${product.url}/dashboard/t/tenant_demo`);
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});
