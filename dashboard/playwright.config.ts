import { execFileSync } from 'node:child_process';
import { defineConfig } from '@playwright/test';

// Debian's own browser: nothing is downloaded.
const chromium = process.env.CHROMIUM ?? execFileSync('sh', ['-c', 'command -v chromium']).toString().trim();

export default defineConfig({
  testDir: './tests',
  testMatch: '**/*.spec.ts',
  // Two cores are shared with the product, which each worker starts for itself.
  workers: 1,
  timeout: 45_000,
  expect: { timeout: 15_000 },
  forbidOnly: true,
  reporter: 'list',
  use: {
    browserName: 'chromium',
    viewport: { width: 1440, height: 900 },
    launchOptions: { executablePath: chromium, args: ['--no-sandbox', '--font-render-hinting=none'] },
    reducedMotion: 'reduce',
    trace: 'off',
  },
});
