// Slack's own clients: the Web API and incoming webhooks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, WebClient } from '@slack/web-api';
import { IncomingWebhook } from '@slack/webhook';
import { simulators } from './support/program.mjs';

const it = await simulators();
const TOKEN = 'xoxb-1000000000001-simulated-slack-bot-token';
const CHANNEL = 'C0SIMLEADS';
const HOOK = '/services/T0SIMTEAM/B0SIMHOOK/simulatedWebhookSecret';

const client = (token, options = {}) =>
  new WebClient(token, { slackApiUrl: `${it.url('slack')}/api/`, retryConfig: { retries: 0 }, ...options });
const web = client(TOKEN);
const webhook = (path = HOOK) => new IncomingWebhook(`${it.url('slack')}${path}`);
const fail = (fault) => it.act('slack', 'POST', '/_sim/faults', { fault });
const word = (expected) => (error) => {
  assert.equal(error.code, ErrorCode.PlatformError);
  assert.equal(error.data.error, expected);
  return true;
};

test('it says who it is, posts, and finds what it posted', async () => {
  const who = await web.auth.test();
  assert.deepEqual([who.ok, who.user], [true, 'lead-bot']);
  const message = {
    channel: CHANNEL,
    text: 'A lead: Dana Whitfield',
    blocks: [{ type: 'section', text: { type: 'mrkdwn', text: '*Kitchen* in Round Rock' } }],
    metadata: { event_type: 'lead_notification', event_payload: { message_id: 'one' } },
  };
  const posted = await web.chat.postMessage(message);
  assert.deepEqual([posted.channel, posted.message.text], [CHANNEL, message.text]);
  assert.match(posted.ts, /^\d+\.\d{6}$/);
  await web.chat.postMessage({ channel: CHANNEL, text: 'Another one' });
  const history = { channel: CHANNEL, limit: 1, include_all_metadata: true };
  const found = [];
  for await (const page of web.paginate('conversations.history', history)) found.push(...page.messages);
  assert.deepEqual(
    found.map(({ text }) => text),
    ['Another one', message.text],
  );
  assert.deepEqual(found[1].metadata, message.metadata);
  assert.deepEqual(found[1].blocks, message.blocks);
});

test('it is told what is refused', async () => {
  const text = 'A lead';
  await assert.rejects(client('xoxb-another').auth.test(), word('invalid_auth'));
  await assert.rejects(web.chat.postMessage({ channel: 'C0NOWHERE', text }), word('channel_not_found'));
  await assert.rejects(web.chat.postMessage({ channel: 'C0SIMOTHER', text }), word('not_in_channel'));
  await it.act('slack', 'PUT', `/_sim/channels/${CHANNEL}`, { is_archived: true });
  await assert.rejects(web.chat.postMessage({ channel: CHANNEL, text }), word('is_archived'));
  await it.act('slack', 'PUT', `/_sim/channels/${CHANNEL}`, {});
  await it.act('slack', 'PUT', '/_sim/workspace', { token_error: 'account_inactive' });
  await assert.rejects(web.chat.postMessage({ channel: CHANNEL, text }), word('account_inactive'));
  await it.act('slack', 'PUT', '/_sim/workspace', {});
});

test('it is told how long to wait', async () => {
  await fail({ kind: 'rate_limit' });
  const hasty = client(TOKEN, { rejectRateLimitedCalls: true });
  await assert.rejects(hasty.chat.postMessage({ channel: CHANNEL, text: 'Now' }), (error) => {
    assert.deepEqual([error.code, error.retryAfter], [ErrorCode.RateLimitedError, 1]);
    return true;
  });
});

test('a webhook takes a message, and refuses with a word', async () => {
  const answer = await webhook().send({ text: 'A lead by the webhook' });
  assert.equal(answer.text, 'ok');
  const { messages } = await it.act('slack', 'GET', '/_sim/view');
  assert.ok(messages.some(({ text }) => text === 'A lead by the webhook'));
  const refused = (path, status) =>
    assert.rejects(webhook(path).send({ text: 'A lead' }), (error) => {
      assert.match(error.message, new RegExp(`${status}`));
      return true;
    });
  await refused('/services/T0SIMTEAM/B0SIMHOOK/another', 403);
  await refused('/services/T0SIMTEAM/B0OTHER/another', 404);
});
