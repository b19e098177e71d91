// SendGrid's own clients: mail, and the verification of its event webhook.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '@sendgrid/client';
import { EventWebhook, EventWebhookHeader } from '@sendgrid/eventwebhook';
import { MailService } from '@sendgrid/mail';
import { inbox } from './support/inbox.mjs';
import { simulators } from './support/program.mjs';

const it = await simulators();

function mailer(key) {
  const client = new Client();
  client.setApiKey(key);
  client.setDefaultRequest('baseUrl', it.url('sendgrid'));
  const mail = new MailService();
  mail.setClient(client);
  return { client, mail };
}

const { client, mail } = mailer('SG.simulated-sendgrid-key');
const message = {
  to: 'sales@example.com',
  from: { email: 'leads@example.com', name: 'Leads' },
  subject: 'A new lead: Dana Whitfield',
  text: 'A kitchen in Round Rock.',
  html: '<p>A kitchen in Round Rock.</p>',
  customArgs: { request_id: 'req_1' },
  categories: ['lead'],
};

test('it sends a mail, and verifies the events that follow', async () => {
  const arrived = await inbox();
  await it.act('sendgrid', 'PUT', '/_sim/event_webhook', { url: arrived.url });
  const [answer] = await mail.send(message);
  assert.equal(answer.statusCode, 202);
  const id = answer.headers['x-message-id'];
  assert.ok(id);
  const { mails } = await it.act('sendgrid', 'GET', '/_sim/mails');
  const kept = mails.find((each) => each.message_id === id);
  assert.deepEqual(
    [kept.to, kept.subject, kept.text],
    [['sales@example.com'], message.subject, message.text],
  );

  const { headers, body } = await arrived.first();
  const signature = headers[EventWebhookHeader.SIGNATURE().toLowerCase()];
  const time = headers[EventWebhookHeader.TIMESTAMP().toLowerCase()];
  const webhook = new EventWebhook();
  const key = webhook.convertPublicKeyToECDSA(it.eventKey);
  assert.equal(webhook.verifySignature(key, body, signature, time), true);
  assert.equal(webhook.verifySignature(key, `${body} `, signature, time), false);
  assert.equal(webhook.verifySignature(key, body, signature, String(Number(time) + 1)), false);
  const events = JSON.parse(body.toString());
  assert.deepEqual(
    events.map((event) => [event.event, event.email, event.request_id]),
    [
      ['processed', 'sales@example.com', 'req_1'],
      ['delivered', 'sales@example.com', 'req_1'],
    ],
  );
  assert.ok(events.every((event) => event.sg_message_id.startsWith(`${id}.`)));
});

test('it reads the key of the event webhook and the scopes', async () => {
  const [, settings] = await client.request({
    method: 'GET',
    url: '/v3/user/webhooks/event/settings/signed/5f1d8a9e-5c1a-4b64-9a5e-1b8f6c2f8b11',
  });
  assert.equal(settings.public_key, it.eventKey);
  const [, { scopes }] = await client.request({ method: 'GET', url: '/v3/scopes' });
  assert.ok(scopes.includes('mail.send'));
});

test('it is told what is wrong', async () => {
  const refused = (send, code, field) =>
    assert.rejects(send, (error) => {
      assert.equal(error.code, code);
      const [{ message, field: at }] = error.response.body.errors;
      assert.ok(message);
      if (field) assert.equal(at, field);
      return true;
    });
  await refused(mailer('SG.another-key').mail.send(message), 401);
  await refused(mail.send({ ...message, from: 'someone@elsewhere.test' }), 403, 'from');
  await refused(mail.send({ ...message, to: 'no address' }), 400);
});
