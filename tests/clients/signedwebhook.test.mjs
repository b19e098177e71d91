// The library of Standard Webhooks, on the product's source and on the simulated sender.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { inbox } from './support/inbox.mjs';
import { product, simulators } from './support/program.mjs';

const KEY = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const it = await product();
const arrived = await inbox();
const sender = await simulators({ webhooks: { signedwebhook: arrived.url } });

const lead = (id) =>
  JSON.stringify({
    type: 'lead.created',
    timestamp: new Date().toISOString(),
    data: {
      lead_id: id,
      channel: 'web_form',
      name: 'Dana Whitfield',
      email: 'dana.whitfield@example.com',
      phone: '+15125550142',
      zip: '78664',
      project_type: 'Kitchen',
      message: 'A kitchen of 200 sq ft in Round Rock.',
    },
  });

function post(body, { id, at, signature }) {
  return fetch(`${it.url}/v1/hooks/demo-signedwebhook/hook`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at / 1000)),
      'webhook-signature': signature,
    },
    body,
  });
}

function signed(body, { key = KEY, at = Date.now() } = {}) {
  const id = `msg_${randomUUID()}`;
  return { id, at, signature: new Webhook(key).sign(id, new Date(at), body) };
}

test('a lead that the library signed is taken', async () => {
  const body = lead('ld_taken');
  const sent = signed(body);
  const answer = await post(body, sent);
  const said = await answer.json();
  assert.ok(answer.ok, `${answer.status} ${JSON.stringify(said)}`);
  const request = await it.api(`requests/${said.request_id}`);
  assert.equal(request.request_id, said.request_id);
  // The same again is the same request.
  const again = await post(body, sent);
  assert.equal((await again.json()).request_id, said.request_id);
});

test('a key that is being replaced signs beside another', async () => {
  const body = lead('ld_two_keys');
  const sent = signed(body);
  const other = new Webhook('whsec_c2VjcmV0LW9mLXNvbWVib2R5LWVsc2U=').sign(sent.id, new Date(sent.at), body);
  const answer = await post(body, { ...sent, signature: `${other} ${sent.signature}` });
  assert.ok(answer.ok, `${answer.status} ${await answer.text()}`);
});

test('what was changed, signed by another key, or signed long ago is refused', async () => {
  const body = lead('ld_refused');
  const sent = signed(body);
  const refused = {
    'another body': [body.replace('Whitfield', 'Whitfeld'), sent],
    'another id': [body, { ...sent, id: 'msg_other' }],
    'another time': [body, { ...sent, at: sent.at + 60_000 }],
    'another key': [body, signed(body, { key: 'whsec_c2VjcmV0LW9mLXNvbWVib2R5LWVsc2U=' })],
    'long ago': [body, signed(body, { at: Date.now() - 3_600_000 })],
  };
  for (const [name, [content, headers]] of Object.entries(refused)) {
    const answer = await post(content, headers);
    assert.equal(answer.status, 401, `${name}: ${await answer.text()}`);
  }
});

test('the library verifies what the simulated sender posts', async () => {
  const { lead: id } = await sender.act('signed webhook', 'POST', '/_sim/leads', { name: 'Ana Ruiz' });
  const { headers, body } = await arrived.first();
  const said = new Webhook(KEY).verify(body, headers);
  assert.equal(said.type, 'lead.created');
  assert.equal(said.data.lead_id, id);
  assert.equal(said.data.person.full, 'Ana Ruiz');
  assert.throws(() => new Webhook(KEY).verify(`${body} `, headers), /No matching signature/);
});
