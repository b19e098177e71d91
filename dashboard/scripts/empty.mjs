// Empties dist, all but its .gitignore: a build of the program looks whether the folder changed, so it stays.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const dist = join(import.meta.dirname, '../dist');
mkdirSync(dist, { recursive: true });
for (const name of readdirSync(dist)) {
  if (name !== '.gitignore') rmSync(join(dist, name), { recursive: true });
}
