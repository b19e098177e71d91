// What every journey begins with: a product of its worker, and a page that may do nothing that its policy forbids.
import { test as base, expect, type Page } from '@playwright/test';
import { useDist } from './dist';
import { Product } from './product';

type Worker = { product: Product };
type Each = {
  /** On Today, as an administrator. */
  signedIn: Page;
  /** Signs in on a page of the demo company: as an administrator, or with another role under its name. */
  enter: (path: string, role?: string) => Promise<Page>;
  /** Opens a page as whoever administers the installation. */
  enterAsOperator: (path: string) => Promise<void>;
};

/** Watches a page: a breach of its policy, a call to elsewhere or an error of its code fails the test. */
export function watch(page: Page, product: Product, faults: string[]): void {
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/i.test(message.text())) faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(`${error}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (/^(https?|wss?):$/.test(url.protocol) && url.origin !== product.url)
      faults.push(`left the origin: ${url}`);
  });
}

export const test = base.extend<Each, Worker>({
  product: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads what a fixture needs from here.
    async ({}, use) => {
      const product = await Product.start();
      await use(product);
      await product.end();
    },
    { scope: 'worker' },
  ],
  context: async ({ context }, use) => {
    await useDist(context);
    await use(context);
  },
  page: async ({ page, product }, use) => {
    const faults: string[] = [];
    watch(page, product, faults);
    await use(page);
    expect(faults, 'breaches of the policy, errors, and calls to elsewhere').toEqual([]);
  },
  enter: async ({ page, product }, use) => {
    await use(async (path, role) => {
      await page.goto(await product.newLink(role, role, `/t/tenant_demo${path}`));
      // What is somebody's to do is known with who they are.
      await page.getByRole('button', { name: /^(?!You:).+: preferences, sign out/ }).waitFor();
      return page;
    });
  },
  // An issuer alone signs them in, and the product on one machine has none: the token is a real one, handed over by hand.
  enterAsOperator: async ({ page, product }, use) => {
    await use(async (path) => {
      const token = (await product.command('token', '--role', 'platform_admin')).trim();
      const expires_at = new Date(Date.now() + 3_000_000).toISOString();
      await page.route('**/v1/sign-in/refresh', (route) => route.fulfill({ json: { token, expires_at } }));
      await page.goto(`${product.url}/dashboard${path}`);
    });
  },
  signedIn: async ({ enter }, use) => {
    const page = await enter('');
    await page.getByRole('heading', { name: 'Today', level: 1 }).waitFor();
    await use(page);
  },
});

export type { Product };
export { expect };
