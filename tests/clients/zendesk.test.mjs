// The client of Sunshine Conversations, Zendesk's messaging.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Sunshine from 'sunshine-conversations-client';
import { simulators } from './support/program.mjs';

const APP = '5d8cff3cd55b040010928b5b';
const it = await simulators();

function messages(password) {
  const client = new Sunshine.ApiClient();
  client.basePath = `${it.url('zendesk')}/sc`;
  client.authentications.basicAuth.username = 'app_67ab5f53a96f98663935c3aa';
  client.authentications.basicAuth.password = password;
  return new Sunshine.MessagesApi(client);
}

const api = messages('simulated-zendesk-token');

test('it lists the messages of a conversation, the newest page first', async () => {
  const id = '67ab5f53a96f98663935c3f2';
  const written = [];
  for (let number = 0; number < 101; number += 1) {
    const body = { text: `message ${number}`, is_business: number % 2 === 1 };
    const path = `/_sim/conversations/${id}/messages`;
    written.push((await it.act('zendesk', 'POST', path, body)).message);
  }
  const newest = await api.listMessages(APP, id);
  assert.ok(newest instanceof Sunshine.MessageListResponse);
  assert.deepEqual(
    newest.messages.map((message) => message.id),
    written.slice(1),
  );
  assert.equal(newest.meta.hasMore, true);
  const last = newest.messages.at(-1);
  assert.equal(last.content.text, 'message 100');
  assert.equal(last.author.type, 'user');
  assert.equal(last.author.displayName, 'Sam Reyes');
  assert.match(last.author.userId, /^[0-9a-f]{24}$/);
  assert.equal(newest.messages[0].author.type, 'business');
  assert.ok(Math.abs(new Date(last.received) - Date.now()) < 3_600_000, String(last.received));

  const older = await api.listMessages(APP, id, { page: { before: newest.meta.beforeCursor } });
  assert.deepEqual(
    older.messages.map((message) => message.id),
    written.slice(0, 1),
  );
  assert.equal(older.meta.hasMore, false);
  const empty = await api.listMessages(APP, '67ab5f53a96f98663935c3f3');
  assert.deepEqual(empty.messages, []);
});

test('it makes an integration whose webhook has a secret of its own', async () => {
  const { apiClient } = api;
  const integrations = new Sunshine.IntegrationsApi(apiClient);
  const webhooks = new Sunshine.WebhooksApi(apiClient);
  const target = 'http://127.0.0.1:1/hook';
  const made = await integrations.createIntegration(APP, {
    type: 'custom',
    displayName: 'Leads',
    webhooks: [{ target, triggers: ['conversation:message'] }],
  });
  const { id } = made.integration;
  const listed = await integrations.listIntegrations(APP, { filter: { types: 'custom' } });
  const known = listed.integrations.find((integration) => integration.id === id);
  assert.equal(known.type, 'custom');
  assert.equal(known.status, 'active');
  const [hook] = (await webhooks.listWebhooks(APP, id)).webhooks;
  assert.equal(hook.target, target);
  assert.deepEqual(hook.triggers, ['conversation:message']);
  assert.match(hook.secret, /^[0-9a-f]{32}$/);
  assert.equal(hook.includeFullUser, false);
  const { webhook } = await webhooks.updateWebhook(APP, id, hook.id, { includeFullUser: true });
  assert.equal(webhook.includeFullUser, true);
  assert.equal(webhook.secret, hook.secret);
  const nobody = webhooks.listWebhooks(APP, '000000000000000000000000');
  await assert.rejects(nobody, { status: 404 });
});

test('it is told what is not there, and who may not', async () => {
  const elsewhere = api.listMessages('000000000000000000000000', '67ab5f53a96f98663935c3f2');
  await assert.rejects(elsewhere, { status: 404 });
  const stranger = messages('another secret').listMessages(APP, '67ab5f53a96f98663935c3f2');
  await assert.rejects(stranger, { status: 401 });
});
