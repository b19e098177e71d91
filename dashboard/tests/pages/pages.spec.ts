import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import axe from 'axe-core';
import { expect, test } from '../support/test';
import { PAGES, SIZES, THEMES } from './pages';

const pictures = join(import.meta.dirname, '../../test-results/pages');
// `npm run manual` renews the pictures of the manual, which are those of a desk in the light.
const manual = process.env.MANUAL ? join(import.meta.dirname, '../../../docs/user/images') : null;

async function picture(page: Page, name: string, theme: string, size: string): Promise<void> {
  // A link to a sentence goes there: the picture begins at the top all the same.
  await page.evaluate(() => document.querySelector('#main')?.scrollTo(0, 0));
  await page.screenshot({ path: join(pictures, `${name}-${theme}-${size}.png`) });
  if (manual && theme === 'light' && size === 'desk')
    await page.screenshot({ path: join(manual, `${name}.png`) });
}

async function settle(page: Page): Promise<void> {
  await expect(page.locator('[aria-busy=true]')).toHaveCount(0);
  await page.evaluate(() => document.fonts.ready);
}

/**
 * What is wrong for somebody. Between themes nothing but colors changes: in the second they alone are looked at. Of what
 * is in order no list is made, and what an image is drawn of is nothing to anybody but its name: a map is of thousands of
 * shapes.
 */
async function findings(page: Page, theme: 'light' | 'dark' = 'light'): Promise<string[]> {
  // It is as large as the page's own code: once there, it stays until the page is loaded anew.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source);
  const only =
    theme === 'dark'
      ? ({ type: 'rule', values: ['color-contrast', 'link-in-text-block'] } as const)
      : ({ type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] } as const);
  const violations = await page.evaluate(
    async (runOnly) => {
      const there = (window as unknown as { axe: typeof axe }).axe;
      const context = { exclude: [['svg[role=img] > *']] };
      return (await there.run(context, { runOnly, resultTypes: ['violations'] })).violations;
    },
    { ...only, values: [...only.values] },
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(' ')} ${node.failureSummary}`),
  );
}

/** What the pages show: leads that came to every end. */
let ids: Record<string, string> = {};

test.beforeAll(async ({ product }) => {
  test.setTimeout(90_000);
  mkdirSync(pictures, { recursive: true });
  ids = {
    completed: await product.call('kitchen-quote', '+15125550142'),
    quarantined: await product.call('spam-robocall', '+15125550143'),
    out: await product.call('out-of-area', '+15125550144'),
  };
  const booked = async () =>
    (JSON.parse(await product.command('send', 'acuity', 'scheduled')) as { request_id: string }).request_id;
  await product.until(await booked(), 'completed');
  ids.booking = await booked();
  await product.until(ids.booking, 'completed');
  await product.until(ids.completed ?? '', 'completed');
  await product.until(ids.quarantined ?? '', 'quarantined');
  await product.until(await product.call('unsure-pitch', '+15125550145'), 'in_review');
  await product.readDocuments();
  await product.fault('document_ai', { kind: 'status', status: 400 });
  ids.form = await product.form();
  await product.until(ids.form, 'completed');
  await product.fault('hubspot', { kind: 'revoked_token' });
  await product.until(await product.call('kitchen-quote', '+15125550146'), 'held');
  await product.command('user', 'invite', 'luis@example.com', '--role', 'operator');
  await product.command('tenant', 'create', 'closed', '--name', 'Closed Kitchens');
  await product.command('tenant', 'suspend', 'closed');
  await product.command('key', 'create', 'Weekly report', '--scope', 'read');
  const sources = await product.api<{ items: { source_id: string; provider: string }[] }>('sources');
  ids.callrail = sources.items.find((one) => one.provider === 'callrail')?.source_id ?? '';
  ids.webforms = sources.items.find((one) => one.provider === 'webforms')?.source_id ?? '';
  await fetch(`${product.url}/v1/hooks/demo-callrail/post-call`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', signature: 'forged' },
    body: '{}',
  });
  // Of no company.
  await fetch(`${product.url}/v1/hooks/nobodys-token/post-call`, { method: 'POST', body: '{}' });
});

/** So many pages at a time: workers share them evenly, and a test that fails is soon run again. */
const AT_ONCE = 5;
const groups = Array.from({ length: Math.ceil(PAGES.length / AT_ONCE) }, (_, at) =>
  PAGES.slice(at * AT_ONCE, (at + 1) * AT_ONCE),
);

for (const [at, pages] of groups.entries()) {
  test(`pages are for everybody, in both themes, at a desk and on a phone: ${at + 1} of ${groups.length}`, async ({
    enter,
    enterAsOperator,
    page,
    product,
  }) => {
    test.setTimeout(240_000);
    for (const [nth, { name, path, shows, isOfPlatform, reach }] of pages.entries()) {
      const there = path.replace(/\{(\w+)\}/, (_, which: string) => ids[which] ?? which);
      if (isOfPlatform) await enterAsOperator(there);
      else if (nth === 0) await enter(there);
      else await page.goto(`${product.url}/dashboard/t/tenant_demo${there}`);
      await reach?.(page);
      await expect(page.getByText(shows).first()).toBeVisible();
      for (const size of SIZES) {
        await page.setViewportSize(size);
        for (const theme of THEMES) {
          await page.evaluate((next) => {
            document.documentElement.dataset.theme = next;
          }, theme);
          await settle(page);
          await picture(page, name, theme, size.name);
          // Colors are the same at a desk and on a phone.
          if (theme === 'light' || size.name === 'desk')
            expect(await findings(page, theme), `${name}, ${theme}, ${size.name}`).toEqual([]);
          const width = await page.evaluate(() => document.documentElement.scrollWidth);
          expect(width, `${name} is no wider than a ${size.name}`).toBeLessThanOrEqual(size.width);
          const over = await page.locator('#main').evaluate((main) => main.scrollWidth - main.clientWidth);
          expect(over, `${name} fits into its place on a ${size.name}`).toBeLessThanOrEqual(0);
        }
      }
    }
  });
}

test('the page before signing in is for everybody, too', async ({ page, product }) => {
  mkdirSync(pictures, { recursive: true });
  await page.goto(`${product.url}/dashboard/sign-in`);
  for (const size of SIZES) {
    await page.setViewportSize(size);
    for (const theme of THEMES) {
      await page.evaluate((next) => {
        document.documentElement.dataset.theme = next;
      }, theme);
      await picture(page, 'sign-in', theme, size.name);
      expect(await findings(page)).toEqual([]);
    }
  }
  // That nothing was found means something: a button without a name is.
  await page.evaluate(() => document.querySelector('main, body')?.append(document.createElement('button')));
  expect((await findings(page)).join()).toContain('button-name');
});

test('every page has a section and a picture in the manual', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/user/dashboard-user-manual.md'), 'utf8');
  const shown = [...text.matchAll(/\(images\/([\w-]+)\.png\)/g)].map(([, name]) => name);
  const there = readdirSync(join(import.meta.dirname, '../../../docs/user/images')).map((name) =>
    name.replace('.png', ''),
  );
  expect(shown.toSorted()).toEqual(there.toSorted());
  expect(shown.toSorted()).toEqual(['sign-in', ...PAGES.map((page) => page.name)].toSorted());
});
