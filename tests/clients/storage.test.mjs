// Google's client of Cloud Storage.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { storage } from './support/google.mjs';
import { simulators } from './support/program.mjs';

const it = await simulators();
const bucket = storage(it.url('storage')).bucket('recordings');

for (const resumable of [false, true]) {
  test(`it writes and reads an object, ${resumable ? 'resumable' : 'in one request'}`, async () => {
    const file = bucket.file(`calls/${resumable}/recording.mp3`);
    const content = randomBytes(600 * 1024);
    const chunkSize = resumable ? 256 * 1024 : undefined;
    await file.save(content, { resumable, chunkSize, validation: 'crc32c', contentType: 'audio/mpeg' });
    const [metadata] = await file.getMetadata();
    assert.equal(metadata.size, String(content.length));
    assert.equal(metadata.contentType, 'audio/mpeg');
    assert.equal(metadata.md5Hash, createHash('md5').update(content).digest('base64'));
    // The client compares the content with its checksum.
    const [read] = await file.download({ validation: 'crc32c' });
    assert.ok(read.equals(content));
    const [part] = await file.download({ start: 1_000, end: 1_999 });
    assert.ok(part.equals(content.subarray(1_000, 2_000)));
  });
}

test('it lists by prefix, in pages', async () => {
  const names = ['list/a', 'list/b', 'list/c'];
  for (const name of [...names, 'other/d']) {
    await bucket.file(name).save(name, { resumable: false });
  }
  const pages = [];
  let query = { prefix: 'list/', maxResults: 2, autoPaginate: false };
  while (query) {
    const [files, next] = await bucket.getFiles(query);
    pages.push(files.map((file) => file.name));
    query = next;
  }
  assert.deepEqual(pages, [names.slice(0, 2), names.slice(2)]);
});

test('an object is written once where that is asked for, and deleted', async () => {
  const file = bucket.file('once');
  const once = { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } };
  await file.save('first', once);
  await assert.rejects(file.save('second', once), { code: 412 });
  assert.equal((await file.download()).toString(), 'first');
  assert.deepEqual(await file.exists(), [true]);
  await file.delete();
  assert.deepEqual(await file.exists(), [false]);
  await assert.rejects(file.delete(), { code: 404 });
});
