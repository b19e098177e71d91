// Intercom's own client.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IntercomClient, IntercomError } from 'intercom-client';
import { simulators } from './support/program.mjs';

const it = await simulators();
const client = (token) => new IntercomClient({ token, baseUrl: it.url('intercom'), maxRetries: 0 });
const intercom = client('simulated-intercom-token');

test('it reads a conversation with its parts, and the contact', async () => {
  const { conversation: id } = await it.act('intercom', 'POST', '/_sim/conversations', {
    name: 'Ana Ruiz',
    email: 'ana.ruiz@example.com',
    phone: '+1 512-555-0177',
    text: 'Do you do kitchens & baths?',
    tags: ['kitchen'],
  });
  const written = `/_sim/conversations/${id}/messages`;
  await it.act('intercom', 'POST', written, { from: 'admin', text: 'We do. Where is it?' });
  await it.act('intercom', 'POST', written, { from: 'person', text: 'In Round Rock', files: ['plan.jpg'] });
  await it.act('intercom', 'POST', written, { from: 'note', text: 'A good one' });

  const plain = await intercom.conversations.find({ conversation_id: id, display_as: 'plaintext' });
  assert.equal(plain.id, id);
  assert.equal(plain.state, 'open');
  assert.equal(plain.source.body, 'Do you do kitchens & baths?');
  assert.equal(plain.source.author.name, 'Ana Ruiz');
  assert.deepEqual(
    plain.tags.tags.map((tag) => tag.name),
    ['kitchen'],
  );
  assert.equal(plain.conversation_parts.total_count, 3);
  const parts = plain.conversation_parts.conversation_parts;
  assert.deepEqual(
    parts.map((part) => [part.part_type, part.author.type, part.body]),
    [
      ['comment', 'admin', 'We do. Where is it?'],
      ['comment', 'lead', 'In Round Rock'],
      ['note', 'admin', 'A good one'],
    ],
  );
  assert.equal(parts[1].attachments[0].name, 'plan.jpg');
  const marked = await intercom.conversations.find({ conversation_id: id });
  assert.equal(marked.source.body, '<p>Do you do kitchens &amp; baths?</p>');

  const contact = await intercom.contacts.find({ contact_id: plain.contacts.contacts[0].id });
  assert.equal(contact.name, 'Ana Ruiz');
  assert.equal(contact.email, 'ana.ruiz@example.com');
  assert.equal(contact.phone, '+1 512-555-0177');
});

test('it is told what is not there, and who may not', async () => {
  const { conversation: id } = await it.act('intercom', 'POST', '/_sim/conversations', {});
  await it.act('intercom', 'POST', `/_sim/conversations/${id}/delete`);
  const missing = intercom.conversations.find({ conversation_id: id });
  await assert.rejects(missing, (error) => {
    assert.ok(error instanceof IntercomError);
    assert.equal(error.statusCode, 404);
    assert.equal(error.body.type, 'error.list');
    assert.equal(error.body.errors[0].code, 'not_found');
    return true;
  });
  const stranger = client('another token').conversations.find({ conversation_id: '1' });
  await assert.rejects(stranger, (error) => error instanceof IntercomError && error.statusCode === 401);
});

test('it knows whose token it is', async () => {
  const me = await intercom.admins.identify();
  assert.equal(me.type, 'admin');
  assert.equal(me.app.type, 'app');
});
