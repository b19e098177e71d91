// Writes the .br and .gz twins that the server chooses from, where they are smaller. Fonts are compressed already.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const dist = join(import.meta.dirname, '../dist');

for (const name of readdirSync(dist, { recursive: true })) {
  const path = join(dist, name);
  if (name.startsWith('.vite') || !statSync(path).isFile() || !/\.(html|js|css|svg|txt|json)$/.test(name))
    continue;
  const plain = readFileSync(path);
  const best = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  for (const [end, packed] of [
    ['.br', brotliCompressSync(plain, best)],
    ['.gz', gzipSync(plain, { level: 9 })],
  ]) {
    if (packed.length < plain.length) writeFileSync(path + end, packed);
  }
}
