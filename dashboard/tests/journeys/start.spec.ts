import { expect, test } from '../support/test';

test('what is set up shows by itself, and what is left leads to its page', async ({
  signedIn: page,
  product,
}) => {
  await product.until(await product.call('kitchen-quote', '+15125550701'), 'completed');
  await page.getByRole('link', { name: 'Get started' }).click();
  const step = (name: string) => page.getByRole('listitem').filter({ hasText: name });
  await expect(step('A first source')).toContainText('done');
  await expect(step('A first lead')).toContainText('done');
  await expect(step('Your CRM')).toContainText('done');
  // A secret that its provider refuses undoes a step, and a new one does it again.
  await product.fault('hubspot', { kind: 'revoked_token' });
  const held = await product.call('kitchen-quote', '+15125550702');
  await product.until(held, 'held');
  await expect(step('Your CRM')).toContainText('about 2 min');
  await step('Your CRM').getByRole('link').click();
  await page.getByRole('button', { name: 'New secret… for HubSpot' }).click();
  await page.getByRole('textbox', { name: 'Secret' }).fill('pat-na1-simulated-hubspot-token');
  await page.getByRole('button', { name: 'Save' }).click();
  await product.until(held, 'completed');
  await page.goBack();
  await expect(step('Your CRM')).toContainText('done');
});

test('who does not administer a company does not set it up', async ({ enter }) => {
  const page = await enter('/start', 'viewer');
  await expect(page.getByText('This takes the role tenant_admin')).toBeVisible();
});
