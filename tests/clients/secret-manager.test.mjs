// Google's client of Secret Manager.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SecretManagerServiceClient } from '@google-cloud/secret-manager';
import { bearer, rest } from './support/google.mjs';
import { simulators } from './support/program.mjs';

const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const FAILED_PRECONDITION = 9;
const it = await simulators();
const client = new SecretManagerServiceClient({ ...rest(it.url('secret_manager')), authClient: bearer() });
const parent = 'projects/demo';

const make = (secretId) =>
  client.createSecret({ parent, secretId, secret: { replication: { automatic: {} } } });

test('it keeps a secret in versions, and reads them', async () => {
  const [secret] = await make('hubspot-token');
  assert.equal(secret.name, 'projects/demo/secrets/hubspot-token');
  for (const text of ['first', 'second']) {
    await client.addSecretVersion({ parent: secret.name, payload: { data: Buffer.from(text) } });
  }
  const [latest] = await client.accessSecretVersion({ name: `${secret.name}/versions/latest` });
  assert.equal(Buffer.from(latest.payload.data).toString(), 'second');
  assert.match(latest.name, /\/versions\/2$/);
  const [first] = await client.accessSecretVersion({ name: `${secret.name}/versions/1` });
  assert.equal(Buffer.from(first.payload.data).toString(), 'first');
  const [versions] = await client.listSecretVersions({ parent: secret.name });
  assert.deepEqual(
    versions.map((version) => version.name.split('/').pop()),
    ['2', '1'],
  );
  const [secrets] = await client.listSecrets({ parent, filter: 'name:hubspot' });
  assert.deepEqual(
    secrets.map((each) => each.name),
    [secret.name],
  );
});

test('a disabled version is not read until it is enabled, a destroyed one never', async () => {
  const [secret] = await make('rotated');
  const [version] = await client.addSecretVersion({
    parent: secret.name,
    payload: { data: Buffer.from('key') },
  });
  const { name } = version;
  assert.equal((await client.disableSecretVersion({ name }))[0].state, 'DISABLED');
  await assert.rejects(client.accessSecretVersion({ name }), { code: FAILED_PRECONDITION });
  assert.equal((await client.enableSecretVersion({ name }))[0].state, 'ENABLED');
  assert.equal(Buffer.from((await client.accessSecretVersion({ name }))[0].payload.data).toString(), 'key');
  assert.equal((await client.destroySecretVersion({ name }))[0].state, 'DESTROYED');
  await assert.rejects(client.accessSecretVersion({ name }), { code: FAILED_PRECONDITION });
});

test('it is told what is there already, and what is not', async () => {
  await make('taken');
  await assert.rejects(make('taken'), { code: ALREADY_EXISTS });
  await client.deleteSecret({ name: `${parent}/secrets/taken` });
  await assert.rejects(client.getSecret({ name: `${parent}/secrets/taken` }), { code: NOT_FOUND });
});
