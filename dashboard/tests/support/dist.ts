// A build that the program does not embed: `DIST=dist npm run journeys` puts it in the place of the one that is, so that a
// change of the dashboard is tried without building the program anew.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BrowserContext } from '@playwright/test';

const dist = process.env.DIST ? resolve(process.env.DIST) : null;

/** The policy of the dashboard's page, where the program has it. */
function policy(): string {
  const answer = join(import.meta.dirname, '../../../services/management-api/src/dashboard/answer.rs');
  const written = /const POLICY: &str = "([^"]+)"/.exec(readFileSync(answer, 'utf8'))?.[1];
  if (!written) throw new Error(`${answer} has no policy any more`);
  return written.replace(/\\\n\s*/g, '');
}

/** Serves that build to a browser, under the page's own policy; without one, what the program embeds. */
export async function useDist(context: BrowserContext): Promise<void> {
  if (!dist) return;
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy(),
    'referrer-policy': 'no-referrer',
  };
  await context.route(/\/dashboard(\/|$)/, async (route) => {
    const path = new URL(route.request().url()).pathname.replace(/^\/dashboard\/?/, '');
    if (path === '' || !/\.\w+$/.test(path)) {
      return route.fulfill({ path: join(dist, 'index.html'), headers });
    }
    const file = join(dist, path);
    return existsSync(file) ? route.fulfill({ path: file }) : route.fallback();
  });
}
