import { expect, test } from '../support/test';

test('a lead is sent from Today, a CRM is broken and mended, and what waited goes on', async ({
  signedIn: page,
  product,
}) => {
  const strip = page.getByRole('region', { name: 'Try it' });
  await strip.getByRole('button', { name: 'Send a robocall' }).click();
  await expect(strip).toContainText('A robocall came in: it is kept out');
  // Not a form: another journey may have said which websites may post to its source.
  await strip.getByRole('button', { name: 'Send a call from elsewhere' }).click();
  await expect(strip).toContainText('A call came in from outside of the area');
  await strip.getByRole('button', { name: 'Break HubSpot' }).click();
  await expect(strip).toContainText('HubSpot refuses its secret.');
  await strip.getByRole('button', { name: 'Send a call', exact: true }).click();
  const sent = strip.getByRole('link', { name: 'See it' });
  await expect(sent).toBeVisible();
  const id = (await sent.getAttribute('href'))?.split('/').pop() ?? '';
  // It stands among what comes in without a reload, and waits for HubSpot.
  await expect(page.locator(`[data-lead="${id}"]`)).toContainText('Held');
  await expect(strip).toContainText('See what waits for it under Stuck');
  await strip.getByRole('button', { name: 'Mend HubSpot' }).click();
  const secret = (await strip.locator('code').textContent()) ?? '';
  await strip.getByRole('link', { name: 'Stuck' }).click();
  await page.getByRole('button', { name: 'New secret…' }).click();
  await page.getByRole('textbox', { name: 'Secret' }).fill(secret);
  await page.getByRole('button', { name: 'Save' }).click();
  await product.until(id, 'completed');
  await page.getByRole('link', { name: 'Today' }).click();
  await expect(page.locator(`[data-lead="${id}"]`)).toContainText('Completed');
  await expect(strip).toContainText('nothing leaves this machine');
});

test('who only reads sees what can be tried, and why it is not theirs', async ({ enter }) => {
  const page = await enter('', 'viewer');
  const strip = page.getByRole('region', { name: 'Try it' });
  await expect(strip.getByRole('button', { name: 'Send a call', exact: true })).toHaveAttribute(
    'title',
    /takes the role operator/,
  );
});
