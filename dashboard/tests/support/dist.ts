// A build that the program does not embed: `DIST=dist npm run journeys` puts it in the place of the one that is.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BrowserContext } from '@playwright/test';

const dist = process.env.DIST ? resolve(process.env.DIST) : null;

/** Serves that build to a browser, with the answers' own headers; without one, what the program embeds. */
export async function useDist(context: BrowserContext): Promise<void> {
  if (!dist) return;
  await context.route(/\/dashboard(\/|$)/, async (route) => {
    const path = new URL(route.request().url()).pathname.replace(/^\/dashboard\/?/, '');
    const file = join(dist, path);
    const isPage = path === '' || !/\.\w+$/.test(path);
    if (!isPage && !existsSync(file)) return route.fallback();
    // The page's policy comes with the program's own page.
    const page = isPage ? await route.fetch() : null;
    const headers = page && { ...page.headers() };
    for (const name of ['content-encoding', 'content-length', 'etag']) delete headers?.[name];
    await route.fulfill({ path: isPage ? join(dist, 'index.html') : file, ...(headers && { headers }) });
  });
}
