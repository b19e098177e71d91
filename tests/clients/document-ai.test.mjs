// Google's client of Document AI.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DocumentProcessorServiceClient } from '@google-cloud/documentai';
import { bearer, rest } from './support/google.mjs';
import { simulators } from './support/program.mjs';

const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const it = await simulators();
const client = new DocumentProcessorServiceClient({ ...rest(it.url('document_ai')), authClient: bearer() });
const processor = (id) => `projects/demo/locations/us/processors/${id}`;

/** As much of a PDF as is read: a page, and the texts that it shows. */
function paper(lines) {
  const shown = lines.map((line) => `(${line}) Tj T*\n`).join('');
  return Buffer.from(
    `%PDF-1.4\n1 0 obj\n<< /Type /Page /Contents 2 0 R >>\nendobj\n2 0 obj\nstream\n${shown}endstream\n`,
  );
}

const rawDocument = {
  content: paper(['Phone: 512-555-0171', 'ZIP: 78664', '[x] Kitchen', '[ ] Bath']),
  mimeType: 'application/pdf',
};

test('it reads the fields of a form', async () => {
  const [{ document }] = await client.processDocument({ name: processor('form-parser'), rawDocument });
  const text = ({ textAnchor }) =>
    (textAnchor?.textSegments ?? [])
      .map((part) => document.text.slice(Number(part.startIndex), Number(part.endIndex)))
      .join('')
      .trim();
  const fields = document.pages[0].formFields;
  const read = Object.fromEntries(
    fields.map((field) => [text(field.fieldName).replace(/:$/, ''), text(field.fieldValue)]),
  );
  assert.equal(read.Phone, '512-555-0171');
  assert.equal(read.ZIP, '78664');
  const boxes = fields.filter((field) => field.valueType);
  assert.deepEqual(
    boxes.map((box) => [text(box.fieldName), box.valueType]),
    [
      ['Kitchen', 'filled_checkbox'],
      ['Bath', 'unfilled_checkbox'],
    ],
  );
});

test('it sends what is asked for alone', async () => {
  const fieldMask = { paths: ['text'] };
  const name = processor('form-parser');
  const [{ document }] = await client.processDocument({ name, rawDocument, fieldMask });
  assert.match(document.text, /78664/);
  assert.deepEqual(document.pages, []);
});

test('it extracts entities', async () => {
  const [{ document }] = await client.processDocument({ name: processor('extractor'), rawDocument });
  const zip = document.entities.find((entity) => /zip/i.test(entity.type));
  assert.equal(zip.mentionText, '78664');
  assert.ok(zip.confidence > 0.5);
});

test('it is told what is wrong', async () => {
  const name = processor('form-parser');
  const broken = { content: Buffer.from('no PDF'), mimeType: 'application/pdf' };
  await assert.rejects(client.processDocument({ name, rawDocument: broken }), { code: INVALID_ARGUMENT });
  const elsewhere = processor('nobody');
  await assert.rejects(client.processDocument({ name: elsewhere, rawDocument }), { code: NOT_FOUND });
});
