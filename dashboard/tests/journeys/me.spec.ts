import { useDist } from '../support/dist';
import { expect, test } from '../support/test';

test('what somebody prefers goes with them to another browser', async ({
  signedIn: page,
  product,
  browser,
}) => {
  await page.getByRole('button', { name: /preferences, sign out/ }).click();
  await page.getByRole('radio', { name: 'Dark' }).check();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.getByRole('link', { name: 'Preferences and devices' }).click();
  await page.getByLabel('Lists').selectOption('compact');
  await page.getByLabel('Time zone').fill('Mars/Olympus');
  await expect(page.getByText('There is no such zone')).toBeVisible();
  await page.getByLabel('Time zone').fill('Asia/Tokyo');
  await page.getByRole('checkbox', { name: /Single letters/ }).uncheck();
  await page.getByRole('heading', { level: 1 }).click();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  const kept = async () => page.evaluate(() => document.documentElement.dataset.density);
  expect(await kept()).toBe('compact');

  const elsewhere = await browser.newContext();
  await useDist(elsewhere);
  const other = await elsewhere.newPage();
  await other.goto(await product.newLink());
  await expect(other.locator('html')).toHaveAttribute('data-theme', 'dark');
  await expect(other.locator('html')).toHaveAttribute('data-density', 'compact');
  await other.goto(`${product.url}/dashboard/t/tenant_demo/me`);
  await expect(other.getByLabel('Time zone')).toHaveValue('Asia/Tokyo');
  // As it was, for whoever comes next.
  await other.getByLabel('Theme').selectOption('system');
  await other.getByLabel('Lists').selectOption('usual');
  await other.getByLabel('Time zone').fill('');
  await other.getByRole('checkbox', { name: /Single letters/ }).check();
  await expect
    .poll(async () => {
      await page.reload();
      return page.getByLabel('Theme').inputValue();
    })
    .toBe('system');

  // One signs the other out.
  await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await expect(page.getByText('signed out.')).toBeVisible();
  await other.goto(`${product.url}/dashboard/t/tenant_demo`);
  await expect(other.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await elsewhere.close();
});

test('a lead is looked at beside its list, by keys', async ({ enter, product }) => {
  const first = await product.call('kitchen-quote', '+15125550331');
  await product.until(first, 'completed');
  const second = await product.call('bathroom-leak', '+15125550332');
  await product.until(second, 'completed');
  const page = await enter('/leads');
  const row = page.locator(`[data-lead="${second}"]`);
  await expect(row).toBeVisible();
  await row.focus();
  await page.keyboard.press('Space');
  const peek = page.getByRole('complementary', { name: 'The lead in short' });
  await expect(peek).toContainText('Bathroom');
  await expect(page).toHaveURL(new RegExp(`peek=${second}`));
  await page.keyboard.press('j');
  await expect(page).toHaveURL(new RegExp(`peek=${first}`));
  await expect(peek).toContainText('Kitchen');
  await page.keyboard.press('Escape');
  await expect(peek).toHaveCount(0);
  await expect(page.locator(`[data-lead="${first}"]`)).toBeFocused();
});

test('a view is kept under a name, for everybody or not, and let go of', async ({
  enter,
  product,
  browser,
}) => {
  const page = await enter('/leads?project=kitchen&score=81-100');
  await page.getByRole('button', { name: 'Save as a view' }).click();
  await page.getByLabel('Name', { exact: true }).fill('<i>Kitchens</i>');
  await page.getByRole('checkbox', { name: /Everybody/ }).check();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const view = page.getByRole('link', { name: '<i>Kitchens</i>' });
  await expect(view).toHaveAttribute('aria-current', 'page');
  // Somebody else of the company has it, too, and may not remove it.
  const elsewhere = await browser.newContext();
  await useDist(elsewhere);
  const other = await elsewhere.newPage();
  await other.goto(await product.newLink('operator', 'omar'));
  await other.getByRole('heading', { name: 'Today', level: 1 }).waitFor();
  await other.goto(`${product.url}/dashboard/t/tenant_demo/leads`);
  await other.getByRole('link', { name: '<i>Kitchens</i>' }).click();
  await expect(other).toHaveURL(/project=kitchen&score=81-100/);
  await expect(other.getByRole('button', { name: /Remove view/ })).toHaveCount(0);
  await elsewhere.close();
  await page.getByRole('button', { name: /Remove view/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await expect(view).toHaveCount(0);
});
