import { execFileSync } from 'node:child_process';
import { defineConfig } from '@playwright/test';

// Debian's own browser: nothing is downloaded.
const chromium = process.env.CHROMIUM ?? execFileSync('sh', ['-c', 'command -v chromium']).toString().trim();

export default defineConfig({
  testMatch: '**/*.spec.ts',
  // Each has a product of its own. What changes a product's state shares a file, which one worker runs in order; pages are
  // only looked at, and go to whoever is free. They come first, since the longest of all is among them.
  workers: 2,
  projects: [
    { name: 'pages', testDir: './tests/pages', fullyParallel: true },
    { name: 'journeys', testDir: './tests/journeys' },
  ],
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
