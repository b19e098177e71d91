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

test('it lists the messages of a conversation', async () => {
  const page = await api.listMessages(APP, '67ab5f53a96f98663935c3f2');
  assert.ok(page instanceof Sunshine.MessageListResponse);
  assert.deepEqual(page.messages, []);
  assert.equal(page.meta.hasMore, false);
});

test('it is told what is not there, and who may not', async () => {
  const elsewhere = api.listMessages('000000000000000000000000', '67ab5f53a96f98663935c3f2');
  await assert.rejects(elsewhere, { status: 404 });
  const stranger = messages('another secret').listMessages(APP, '67ab5f53a96f98663935c3f2');
  await assert.rejects(stranger, { status: 401 });
});
