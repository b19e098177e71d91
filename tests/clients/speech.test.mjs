// Google's client of Speech-to-Text v2, which hears what the client of Cloud Storage stored.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import speech from '@google-cloud/speech';
import { bearer, rest, storage } from './support/google.mjs';
import { simulators } from './support/program.mjs';

const INVALID_ARGUMENT = 3;
const UNAUTHENTICATED = 16;
const RECORDINGS = join(import.meta.dirname, '../../crates/simulators/src/recordings');
const it = await simulators();
const client = (token) =>
  new speech.v2.SpeechClient({ ...rest(it.url('speech')), authClient: bearer(token) });
const recognizer = 'projects/demo/locations/us/recognizers/_';
const config = {
  autoDecodingConfig: {},
  model: 'chirp_3',
  languageCodes: ['en-US'],
  features: { enableWordTimeOffsets: true, diarizationConfig: {} },
};

const audio = readFileSync(join(RECORDINGS, 'kitchen-quote.mp3'));
const script = JSON.parse(readFileSync(join(RECORDINGS, 'kitchen-quote.json'), 'utf8'));
const spoken = script.turns.map((turn) => turn.text).join(' ');

function said(results) {
  return results.map((result) => result.alternatives[0].transcript).join(' ');
}

test('it hears a short recording at once', async () => {
  const [answer] = await client().recognize({ recognizer, config, content: audio });
  assert.equal(said(answer.results), spoken);
  const words = answer.results.flatMap((result) => result.alternatives[0].words);
  assert.deepEqual([...new Set(words.map((word) => word.speakerLabel))].sort(), ['1', '2']);
  const last = words.at(-1).endOffset;
  const seconds = Number(last.seconds) + last.nanos / 1e9;
  assert.ok(Math.abs(seconds - script.turns.at(-1).end_seconds) < 0.01, `${seconds} s`);
  assert.equal(Number(answer.metadata.totalBilledDuration.seconds), Math.ceil(script.duration_seconds));
});

test('it hears a stored recording by an operation', async () => {
  await storage(it.url('storage')).bucket('recordings').file('kitchen.mp3').save(audio, { resumable: false });
  const uri = 'gs://recordings/kitchen.mp3';
  const [operation] = await client().batchRecognize({
    recognizer,
    config,
    files: [{ uri }],
    recognitionOutputConfig: { inlineResponseConfig: {} },
  });
  assert.match(operation.name, /^projects\/demo\/locations\/us\/operations\//);
  const [answer] = await operation.promise();
  assert.equal(said(answer.results[uri].inlineResult.transcript.results), spoken);
});

test('it is told what is wrong', async () => {
  const unknown = { ...config, model: 'chirp_0' };
  await assert.rejects(client().recognize({ recognizer, config: unknown, content: audio }), {
    code: INVALID_ARGUMENT,
  });
  await assert.rejects(client('another').recognize({ recognizer, config, content: audio }), {
    code: UNAUTHENTICATED,
  });
});
