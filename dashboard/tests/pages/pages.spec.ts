import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test } from '../support/test';
import { PAGES, SIZES, THEMES } from './pages';

const pictures = join(import.meta.dirname, '../../test-results/pages');

async function settle(page: Page): Promise<void> {
  await expect(page.locator('[aria-busy=true]')).toHaveCount(0);
  await page.evaluate(() => document.fonts.ready);
}

async function findings(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze();
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(' ')} ${node.failureSummary}`),
  );
}

test('every page is for everybody, in both themes, at a desk and on a phone', async ({
  signedIn: page,
  product,
}) => {
  test.setTimeout(180_000);
  mkdirSync(pictures, { recursive: true });
  const ids: Record<string, string> = {
    completed: await product.call('kitchen-quote', '+15125550142'),
    quarantined: await product.call('spam-robocall', '+15125550143'),
    out: await product.call('out-of-area', '+15125550144'),
  };
  await product.until(ids.completed ?? '', 'completed');
  await product.until(ids.quarantined ?? '', 'quarantined');
  for (const { name, path, shows } of PAGES) {
    const url = `${product.url}/dashboard${path.replace(/\{(\w+)\}/, (_, which: string) => ids[which] ?? which)}`;
    await page.goto(url);
    await expect(page.getByText(shows).first()).toBeVisible();
    for (const size of SIZES) {
      await page.setViewportSize(size);
      for (const theme of THEMES) {
        await page.evaluate((next) => {
          document.documentElement.dataset.theme = next;
        }, theme);
        await settle(page);
        await page.screenshot({ path: join(pictures, `${name}-${theme}-${size.name}.png`) });
        expect(await findings(page), `${name}, ${theme}, ${size.name}`).toEqual([]);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(width, `${name} is no wider than a ${size.name}`).toBeLessThanOrEqual(size.width);
      }
    }
  }
});

test('the page before signing in is for everybody, too', async ({ page, product }) => {
  mkdirSync(pictures, { recursive: true });
  await page.goto(`${product.url}/dashboard/sign-in`);
  for (const size of SIZES) {
    await page.setViewportSize(size);
    for (const theme of THEMES) {
      await page.evaluate((next) => {
        document.documentElement.dataset.theme = next;
      }, theme);
      await page.screenshot({ path: join(pictures, `sign-in-${theme}-${size.name}.png`) });
      expect(await findings(page)).toEqual([]);
    }
  }
});
