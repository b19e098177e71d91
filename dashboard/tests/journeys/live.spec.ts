import type { Page } from '@playwright/test';
import { expect, test, watch } from '../support/test';

const isLive = (page: Page) => expect(page.locator('[data-live]')).toHaveAttribute('data-live', 'live');

test('a call shows while it comes in, to its end, without a reload', async ({ signedIn: page, product }) => {
  await isLive(page);
  const id = await product.call('kitchen-quote', '+15125550177');
  const row = page.locator(`[data-coming-in] [data-lead="${id}"]`);
  await expect(row).toBeVisible();
  await expect(row).toContainText('Completed');
  await row.getByRole('link').click();
  await expect(page.getByRole('heading', { name: 'Dana Whitfield', level: 1 })).toBeVisible();
  await page
    .getByRole('button', { name: /Around forty-five thousand/ })
    .first()
    .click();
  await expect(page.locator('[aria-current=true]')).toContainText('forty-five thousand');
  expect(new URL(page.url()).searchParams.get('at')).toBe('22.7');
});

test('a list does not move: new leads wait until they are taken in', async ({ signedIn: page, product }) => {
  const before = await product.call('kitchen-quote', '+15125550101');
  await product.until(before, 'completed');
  await page.getByRole('link', { name: 'Leads', exact: true }).click();
  const first = page.locator('[role=row][data-index="0"]');
  await expect(first).toHaveAttribute('data-lead', before);
  await isLive(page);
  const id = await product.call('kitchen-quote', '+15125550102');
  await product.until(id, 'completed');
  await expect(page.getByRole('button', { name: /1 new lead/ })).toBeVisible();
  expect(await first.getAttribute('data-lead')).toBe(before);
  await page.keyboard.press('n');
  await expect(first).toHaveAttribute('data-lead', id);
  await expect(page.getByRole('button', { name: /new lead/ })).toHaveCount(0);
});

test('a lead that no longer fits its filter stays, and says where it went', async ({ enter, product }) => {
  const id = await product.call('spam-robocall', '+15125550103');
  await product.until(id, 'quarantined');
  const page = await enter('/leads?status=quarantined');
  const row = page.locator(`[data-lead="${id}"]`);
  await expect(row).toBeVisible();
  await isLive(page);
  await product.command('quarantine', 'release', id);
  await expect(row).toHaveAttribute('data-gone', 'true');
  await expect(row).toContainText('Completed');
});

test('a server that is killed and started again is followed without a gap', async ({
  signedIn: page,
  product,
}) => {
  await isLive(page);
  const { port } = product;
  await product.kill();
  await expect(page.locator('[data-live]')).not.toHaveAttribute('data-live', 'live');
  await product.up(port);
  const id = await product.call('kitchen-quote', '+15125550104');
  await isLive(page);
  await expect(page.locator(`[data-coming-in] [data-lead="${id}"]`)).toHaveCount(1);
  await expect(page.locator(`[data-coming-in] [data-lead="${id}"]`)).toContainText('Completed');
});

test('six tabs share one stream', async ({ signedIn: page, product, context }) => {
  const streams = new Set<string>();
  let open = 0;
  const count = (tab: Page, name: string) => {
    tab.on('request', (request) => {
      if (!request.url().endsWith('/live')) return;
      streams.add(name);
      open += 1;
    });
    tab.on('requestfailed', (request) => {
      if (request.url().endsWith('/live')) open -= 1;
    });
  };
  await isLive(page);
  const tabs: Page[] = [];
  const faults: string[] = [];
  for (let at = 0; at < 5; at += 1) {
    const tab = await context.newPage();
    watch(tab, product, faults);
    count(tab, `${at}`);
    await tab.goto(`${product.url}/dashboard/t/tenant_demo`);
    await isLive(tab);
    tabs.push(tab);
  }
  expect(streams.size, 'the first tab reads for all').toBe(0);
  const id = await product.call('kitchen-quote', '+15125550105');
  for (const tab of tabs)
    await expect(tab.locator(`[data-coming-in] [data-lead="${id}"]`)).toContainText('Completed');
  // The one that reads goes: another takes over, and no more than one.
  await page.goto('about:blank');
  const next = await product.call('kitchen-quote', '+15125550106');
  for (const tab of tabs)
    await expect(tab.locator(`[data-coming-in] [data-lead="${next}"]`)).toContainText('Completed');
  expect(streams.size).toBe(1);
  expect(open).toBe(1);
  expect(faults).toEqual([]);
  for (const tab of tabs) await tab.close();
});

test('on a phone a strong lead is dialled from Today', async ({ signedIn: page, product }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await product.until(await product.call('kitchen-quote', '+15125550107'), 'completed');
  // Whom to call first: others of the same score may have waited longer than this one.
  const call = page.locator('[data-call] a[href^="tel:+1"]').first();
  await expect(call).toBeVisible();
  const box = await call.boundingBox();
  expect(box?.height).toBeGreaterThanOrEqual(24);
  await page.getByRole('link', { name: 'Leads', exact: true }).click();
  await expect(page.locator('[role=row][data-index="0"]')).toBeVisible();
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(390);
});
