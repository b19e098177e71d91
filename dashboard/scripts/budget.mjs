// Weighs what was built, compressed with gzip, and fails over the budget: what the first page loads, and each page's own.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const KB = 1000;
const FIRST = { all: 230, js: 190, css: 20, font: 22 };
const PAGE = 60;

const dist = join(import.meta.dirname, '../dist');
const manifestPath = join(dist, '.vite/manifest.json');
if (!existsSync(manifestPath)) {
  console.error('Nothing is built. Run `make dashboard` first.');
  process.exit(1);
}
const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'));

const weigh = (file) => {
  const bytes = readFileSync(join(dist, file));
  return (file.endsWith('.woff2') ? bytes.length : gzipSync(bytes, { level: 9 }).length) / KB;
};

/** The files that an entry needs before it can run. */
function filesOf(key, seen = new Set()) {
  const chunk = manifest[key];
  if (!chunk || seen.has(key)) return [];
  seen.add(key);
  const needed = (chunk.imports ?? []).flatMap((next) => filesOf(next, seen));
  return [chunk.file, ...(chunk.css ?? []), ...needed];
}

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const today = Object.keys(manifest).find((key) => key.includes('pages/today/'));
const font = Object.values(manifest).find((chunk) => chunk.file.includes('figtree'))?.file;
const first = new Set([...filesOf(entry), ...(today ? filesOf(today) : []), ...(font ? [font] : [])]);

const sums = { all: 0, js: 0, css: 0, font: 0 };
for (const file of first) {
  const kind = file.endsWith('.js') ? 'js' : file.endsWith('.css') ? 'css' : 'font';
  sums[kind] += weigh(file);
  sums.all += weigh(file);
}
let isOver = false;
const row = (name, weight, limit) => {
  const over = weight > limit;
  isOver ||= over;
  console.log(
    `${over ? 'OVER' : 'ok  '}  ${name.padEnd(28)} ${weight.toFixed(1).padStart(7)} KB of ${limit}`,
  );
};
for (const [kind, limit] of Object.entries(FIRST)) row(`first load, ${kind}`, sums[kind], limit);
for (const [key, chunk] of Object.entries(manifest)) {
  if (!chunk.isDynamicEntry || !key.includes('pages/')) continue;
  const own = new Set(filesOf(key).filter((file) => !first.has(file)));
  const weight = [...own].reduce((sum, file) => sum + weigh(file), 0);
  row(key.replace(/^.*pages\//, ''), weight, PAGE);
}
process.exit(isOver ? 1 : 0);
