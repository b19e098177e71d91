// Fails when src/api/schema.d.ts is not what docs/api/openapi.yaml says.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'client-'));
const fresh = join(folder, 'schema.d.ts');
execFileSync('npx', ['openapi-typescript', '../docs/api/openapi.yaml', '--output', fresh], {
  cwd: root,
  stdio: 'pipe',
});
const isSame = readFileSync(fresh, 'utf8') === readFileSync(join(root, 'src/api/schema.d.ts'), 'utf8');
rmSync(folder, { recursive: true });
if (!isSame) {
  console.error(
    'src/api/schema.d.ts differs from docs/api/openapi.yaml: run `npm run client` in dashboard/.',
  );
  process.exit(1);
}
