// HubSpot's own client.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '@hubspot/api-client';
import { simulators } from './support/program.mjs';

const it = await simulators();
const client = (accessToken) => new Client({ accessToken, basePath: it.url('hubspot') });
const { crm } = client('pat-na1-simulated-hubspot-token');

test('it makes a contact and a deal, ties them, and finds them', async () => {
  const contact = await crm.contacts.basicApi.create({
    properties: { email: 'dana.whitfield@example.com', firstname: 'Dana', lastname: 'Whitfield' },
    associations: [],
  });
  assert.match(contact.id, /^\d+$/);
  assert.equal(contact.properties.firstname, 'Dana');
  assert.ok(contact.createdAt instanceof Date && contact.createdAt > new Date('2026-01-01'));

  const deal = await crm.deals.basicApi.create({
    properties: { dealname: 'Kitchen, Round Rock', dealstage: 'appointmentscheduled', amount: '50000' },
    associations: [
      {
        to: { id: contact.id },
        types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 3 }],
      },
    ],
  });
  const shown = await crm.deals.basicApi.getById(deal.id, ['dealname', 'amount'], undefined, ['contacts']);
  assert.equal(shown.properties.amount, '50000');
  assert.deepEqual(
    shown.associations.contacts.results.map((each) => each.id),
    [contact.id],
  );

  const found = await crm.contacts.searchApi.doSearch({
    filterGroups: [
      { filters: [{ propertyName: 'email', operator: 'EQ', value: 'dana.whitfield@example.com' }] },
    ],
    properties: ['lastname'],
    limit: 10,
    after: '0',
    sorts: [],
  });
  assert.equal(found.total, 1);
  assert.equal(found.results[0].id, contact.id);
  assert.equal(found.results[0].properties.lastname, 'Whitfield');
});

test('it ties records by the default association, and lists it', async () => {
  const contact = await crm.contacts.basicApi.create({ properties: { email: 'ana.ruiz@example.com' } });
  const deal = await crm.deals.basicApi.create({
    properties: { dealname: 'Bath', dealstage: 'appointmentscheduled' },
  });
  const { basicApi } = crm.associations.v4;
  const tied = await basicApi.createDefault('deals', deal.id, 'contacts', contact.id);
  assert.equal(tied.status, 'COMPLETE');
  const listed = await basicApi.getPage('deals', deal.id, 'contacts');
  assert.deepEqual(
    listed.results.map((each) => String(each.toObjectId)),
    [contact.id],
  );
  assert.equal(listed.results[0].associationTypes[0].typeId, 3);
});

test('it writes by a unique value, and updates', async () => {
  const input = (firstname) => ({
    inputs: [
      {
        id: 'sam.reyes@example.com',
        idProperty: 'email',
        properties: { firstname },
        objectWriteTraceId: 't1',
      },
    ],
  });
  const first = await crm.contacts.batchApi.upsert(input('Sam'));
  const second = await crm.contacts.batchApi.upsert(input('Samuel'));
  assert.equal(first.results[0]._new, true);
  assert.equal(second.results[0]._new, false);
  assert.equal(second.results[0].id, first.results[0].id);
  const { id } = first.results[0];
  await crm.contacts.basicApi.update(id, { properties: { lastname: 'Reyes' } });
  const shown = await crm.contacts.basicApi.getById(
    'sam.reyes@example.com',
    ['firstname', 'lastname'],
    undefined,
    undefined,
    false,
    'email',
  );
  assert.deepEqual(
    [shown.id, shown.properties.firstname, shown.properties.lastname],
    [id, 'Samuel', 'Reyes'],
  );
  const page = await crm.contacts.basicApi.getPage(1);
  assert.equal(page.results.length, 1);
});

test('it makes a note, and a property', async () => {
  const note = await crm.objects.notes.basicApi.create({
    properties: { hs_timestamp: '2026-11-28T10:00:00Z', hs_note_body: 'She called.' },
    associations: [],
  });
  assert.equal(note.properties.hs_note_body, 'She called.');
  const made = await crm.properties.coreApi.create('contacts', {
    name: 'lead_id',
    label: 'Lead',
    type: 'string',
    fieldType: 'text',
    groupName: 'contactinformation',
    hasUniqueValue: true,
  });
  assert.equal(made.name, 'lead_id');
  const known = await crm.properties.coreApi.getByName('contacts', 'lead_id');
  assert.equal(known.hasUniqueValue, true);
  const pipelines = await crm.pipelines.pipelinesApi.getAll('deals');
  assert.ok(pipelines.results[0].stages.some((stage) => stage.id === 'appointmentscheduled'));
});

test('it is told what is wrong', async () => {
  const twice = { properties: { email: 'twice@example.com' }, associations: [] };
  await crm.contacts.basicApi.create(twice);
  await assert.rejects(crm.contacts.basicApi.create(twice), (error) => {
    assert.equal(error.code, 409);
    assert.equal(error.body.category, 'CONFLICT');
    return true;
  });
  await assert.rejects(crm.contacts.basicApi.getById('999999999'), { code: 404 });
  const unknown = { properties: { no_such_property: 'x' }, associations: [] };
  await assert.rejects(crm.contacts.basicApi.create(unknown), (error) => {
    assert.equal(error.code, 400);
    assert.equal(error.body.category, 'VALIDATION_ERROR');
    return true;
  });
  await assert.rejects(client('another token').crm.contacts.basicApi.getPage(), { code: 401 });
});
