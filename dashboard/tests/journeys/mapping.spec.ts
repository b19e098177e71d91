import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type Product, test } from '../support/test';

const PATH = 'connections/hubspot/mapping';
const TOKEN = 'pat-na1-simulated-hubspot-token';

type Saved = { version: number; mapping: { fields: Record<string, Record<string, unknown>> } };
type Deals = { deals: { properties: Record<string, string> }[] };

/** What somebody does in HubSpot itself: a field of the company's own. */
async function addProperty(product: Product, object: string, name: string, label: string, options: string[]) {
  const isChoice = options.length > 0;
  const answer = await fetch(`${product.simulator('hubspot')}/crm/v3/properties/${object}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({
      name,
      label,
      type: isChoice ? 'enumeration' : 'string',
      fieldType: isChoice ? 'select' : 'text',
      groupName: object === 'deals' ? 'dealinformation' : 'contactinformation',
      ...(isChoice && { options: options.map((option) => ({ label: option, value: option })) }),
    }),
  });
  expect(answer.ok, await answer.text()).toBe(true);
}

test('a field is mapped, mended where HubSpot would refuse it, previewed, saved, and sent so', async ({
  enter,
  product,
}) => {
  await addProperty(product, 'deals', 'job_kind', 'Kind of job', ['Kitchen remodel', 'Other']);
  await addProperty(product, 'contacts', 'their_town', 'Their <b>town</b>', []);
  const first = await product.call('kitchen-quote', '+15125550601');
  await product.until(first, 'completed');
  const page = await enter('/crm');
  await page.getByRole('link', { name: 'Fields of HubSpot' }).first().click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Field mapping of HubSpot');

  const deals = page.getByRole('region', { name: 'Deals', exact: true });
  await deals.getByRole('button', { name: 'Add a field of Deals' }).click();
  await page.getByLabel('Find a field').fill('kind of');
  await page.getByRole('button', { name: /^Kind of job job_kind/ }).click();
  await expect(deals).toContainText('Choose one of our fields.');
  await expect(page.getByRole('button', { name: /Save as version/ })).toBeDisabled();
  await deals.getByLabel('Our field').selectOption({ label: 'Kind of project' });
  await page.getByRole('button', { name: 'Save as version 1' }).click();
  await expect(page.getByRole('alert')).toContainText('It was not saved');
  await expect(deals).toContainText('It takes “Kitchen remodel” or “Other” alone');
  await deals.getByRole('button', { name: 'Match our words to its own for Kind of job' }).click();
  await deals.getByLabel('What “Kitchen” becomes').selectOption('Kitchen remodel');
  await deals.getByLabel('All other words').selectOption({ label: 'Become one word' });
  await deals.getByLabel('Which word').selectOption('Other');

  await page.getByLabel('For the lead').selectOption(first);
  await expect(page, 'the address names the lead').toHaveURL(new RegExp(`lead=${first}`));
  await page.getByRole('button', { name: 'Show it' }).click();
  const preview = page.getByRole('region', { name: 'Exactly what would be sent' });
  const shown = preview.getByRole('row', { name: /^job_kind/ });
  await expect(shown).toContainText('Kitchen remodel');
  await expect(shown).toContainText('your row: Kind of project');
  expect((await product.api<Saved>(PATH)).version, 'nothing is saved by a preview').toBe(0);
  await page.getByLabel('Why').fill('kinds of job');
  await page.getByRole('button', { name: 'Save as version 1' }).click();
  await expect(page.getByText('Version 1 is in use')).toBeVisible();

  const second = await product.call('kitchen-quote', '+15125550602');
  await product.until(second, 'completed');
  const sent = (await (await fetch(`${product.simulator('hubspot')}/_sim/deals`)).json()) as Deals;
  const deal = sent.deals.find(({ properties }) => properties.deal_external_id === second)?.properties;
  expect(deal?.job_kind).toBe('Kitchen remodel');
  // What the preview showed for the one call stands there for the next, which says the same.
  for (const name of ['job_kind', 'lead_intake_project_type', 'lead_intake_intent', 'lead_intake_score'])
    await expect(preview.getByRole('row', { name: new RegExp(`^${name}`) })).toContainText(
      deal?.[name] ?? '?',
    );
});

test('of two who change a mapping at once, both are seen, and an old version is restored', async ({
  enter,
  product,
}) => {
  const page = await enter('/crm/hubspot/mapping');
  const before = await product.api<Saved>(PATH);
  const contacts = page.getByRole('region', { name: 'Contacts', exact: true });
  await contacts.getByRole('button', { name: 'Add a field of Contacts' }).click();
  // Names from outside are text and nothing else.
  await page.getByRole('button', { name: /^Their <b>town<\/b> their_town/ }).click();
  await contacts.getByLabel('Our field').selectOption({ label: 'Town' });
  await contacts.getByLabel('What becomes of it').selectOption({ label: 'Write in capital letters' });
  const theirs = {
    fields: { ...before.mapping.fields, contacts: { city: { from: 'property.city', then: ['lower'] } } },
  };
  const file = join(product.folder, 'mapping.json');
  writeFileSync(file, JSON.stringify(theirs));
  await product.command('mapping', 'set', 'hubspot', file, '--note', 'towns in small letters');
  await page.getByRole('button', { name: /Save as version/ }).click();
  await expect(page.getByText(`saved version ${before.version + 1} while you changed`)).toBeVisible();
  await expect(page.getByRole('row', { name: /^contacts\.city/ })).toContainText('in small letters');
  await expect(page.getByRole('row', { name: /^contacts\.their_town/ })).toContainText('No row: as usual');
  await page.getByRole('button', { name: 'Put both together' }).click();
  await page.getByRole('button', { name: `Save as version ${before.version + 2}` }).click();
  await expect(page.getByText(`Version ${before.version + 2} is in use`)).toBeVisible();
  const both = await product.api<Saved>(PATH);
  expect(both.mapping.fields.contacts).toEqual({
    city: { from: 'property.city', then: ['lower'] },
    their_town: { from: 'property.city', then: ['upper'] },
  });
  expect(both.mapping.fields.deals, 'what nobody touched stays').toEqual(before.mapping.fields.deals);

  const history = page.getByRole('region', { name: 'Versions' });
  await expect(history).toContainText('towns in small letters');
  await history.getByRole('button', { name: `What changed in version ${both.version}` }).click();
  await expect(history).toContainText('their_town');
  await history.getByRole('button', { name: 'Restore… version 1', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
  await expect(contacts).toContainText('No row yet');
  expect((await product.api<Saved>(PATH)).mapping.fields.contacts).toBeUndefined();
});

test('a CRM that says nothing stands in nobody’s way', async ({ enter, product }) => {
  await product.fault('hubspot', { kind: 'status', status: 401 });
  const page = await enter('/crm/hubspot/mapping');
  await expect(page.getByText('HubSpot told nothing of its fields')).toBeVisible();
  const deals = page.getByRole('region', { name: 'Deals', exact: true });
  await deals.getByRole('button', { name: 'Add a field of Deals' }).click();
  await page.getByLabel('Its name there').fill('written_by_hand');
  await page.getByRole('button', { name: 'Add it' }).click();
  await expect(deals).toContainText('written_by_hand');
  await page.getByRole('button', { name: 'Ask again' }).click();
  await expect(deals).toContainText('HubSpot has no such field');
  await page.getByRole('button', { name: 'Discard' }).click();
  await expect(deals).not.toContainText('written_by_hand');

  // What is no CRM has no fields.
  await enter('/crm/sendgrid/mapping');
  await expect(page.getByText('SendGrid is no CRM')).toBeVisible();
});

test('who does not administer reads what is mapped, and why it is not theirs to change', async ({
  enter,
}) => {
  const page = await enter('/crm/hubspot/mapping', 'viewer');
  await expect(page.getByRole('region', { name: 'Deals', exact: true })).toContainText('job_kind');
  await expect(page.getByRole('button', { name: 'Change job_kind' })).toBeDisabled();
  await expect(page.getByRole('button', { name: 'Show it' })).toHaveAttribute('title', /tenant_admin/);
});
