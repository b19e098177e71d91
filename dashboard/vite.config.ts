import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// `make dashboard-dev` names the running product.
const product = process.env.PRODUCT_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  base: '/dashboard/',
  plugins: [react()],
  build: {
    // These know `light-dark()`, which tokens.css is made of.
    target: ['chrome123', 'firefox128', 'safari17.5'],
    // The page's policy allows no `data:` script or style, and fonts are files.
    assetsInlineLimit: 0,
    // `scripts/empty.mjs` does it: the folder's .gitignore stays.
    emptyOutDir: false,
    manifest: true,
    modulePreload: { polyfill: false },
  },
  // Signing in takes calls of the server's own pages alone: those of this one are told to be such.
  server: { proxy: { '/v1': { target: product, changeOrigin: true, headers: { origin: product } } } },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    css: { modules: { classNameStrategy: 'non-scoped' } },
    restoreMocks: true,
  },
});
