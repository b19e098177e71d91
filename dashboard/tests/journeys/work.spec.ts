import { expect, test } from '../support/test';

const TOKEN = 'pat-na1-simulated-hubspot-token';

test('what may be spam is decided by keys, one after another', async ({ signedIn: page, product }) => {
  const ids: string[] = [];
  for (const at of [1, 2, 3]) {
    const id = await product.call('unsure-pitch', `+1512555020${at}`);
    await product.until(id, 'in_review');
    ids.push(id);
  }
  const [first = '', second = '', third = ''] = ids;
  await page.keyboard.press('g');
  await page.keyboard.press('r');
  const card = (id: string) => page.locator(`article[data-lead="${id}"]`);
  await expect(card(first)).toContainText('Spam 60 %');
  await expect(card(first)).toContainText('it goes to HubSpot');
  // Somebody else decides about the next one meanwhile, and this page is not told before it tries.
  await page.keyboard.press('s');
  await expect(card(second)).toBeVisible();
  await page.keyboard.press('r');
  await expect(card(third)).toBeVisible();
  await product.until(second, 'quarantined');
  await page.keyboard.press('u');
  await expect(page.getByText('goes on after all')).toBeVisible();
  await product.until(second, 'completed');
  await page.keyboard.press('a');
  await product.until(third, 'completed');
  await expect(card(first)).toBeVisible();
  await page.keyboard.press('a');
  await product.until(first, 'completed');
  await expect(page.getByText('Nothing to review')).toBeVisible();
});

test('a decision that somebody else took first is told, and the next one opens', async ({
  signedIn: page,
  product,
}) => {
  const id = await product.call('unsure-pitch', '+15125550211');
  const next = await product.call('unsure-pitch', '+15125550212');
  await product.until(id, 'in_review');
  await product.until(next, 'in_review');
  // The stream is cut off, so that the page does not hear of it.
  await page.route('**/live', (route) => route.abort());
  await page.goto(`${product.url}/dashboard/t/tenant_demo/review?lead=${id}`);
  await expect(page.locator(`article[data-lead="${id}"]`)).toBeVisible();
  await product.command('review', 'reject', id, '--as', 'luis');
  await page.getByRole('button', { name: /Approve/ }).click();
  await expect(page.getByText('luis was faster')).toContainText('was said to be spam');
  await expect(page.locator(`article[data-lead="${next}"]`)).toBeVisible();
  await product.command('review', 'reject', next);
});

test('a refused token holds leads, and a new one sets them free', async ({ signedIn: page, product }) => {
  await product.fault('hubspot', { kind: 'revoked_token' });
  const id = await product.call('kitchen-quote', '+15125550221');
  await product.until(id, 'held');
  await page.getByRole('link', { name: /^Stuck/ }).click();
  const reason = page.getByRole('region', { name: 'HubSpot refuses the secret' });
  await expect(reason).toContainText('1 step');
  await expect(reason).toContainText('Authentication credentials');
  await reason.getByRole('button', { name: 'Show steps' }).click();
  await expect(reason.getByRole('link', { name: /Lead/ })).toHaveCount(1);
  await reason.getByRole('button', { name: 'New secret' }).click();
  await page.getByRole('textbox', { name: 'Secret' }).fill(TOKEN);
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('1 step goes on')).toBeVisible();
  await product.until(id, 'completed');
  await expect(page.getByText('Everything moves')).toBeVisible();
});

test('what is parked is redriven by a job that goes on alone', async ({ enter, product }) => {
  await product.fault('hubspot', { kind: 'status', status: 400 }, 2);
  const ids = [
    await product.call('kitchen-quote', '+15125550231'),
    await product.call('kitchen-quote', '+15125550232'),
  ];
  for (const id of ids) await product.until(id, 'parked');
  const page = await enter('/stuck');
  const reason = page.getByRole('region', { name: /no repetition helps/ });
  await expect(reason).toContainText('2 steps');
  await page.keyboard.press('j');
  await expect(reason).toBeFocused();
  const isStarted = page.waitForResponse(
    (answer) => answer.url().endsWith('/jobs') && answer.request().method() === 'POST',
  );
  await page.keyboard.press('d');
  await isStarted;
  await page.goto('about:blank');
  for (const id of ids) await product.until(id, 'completed');
  await page.goto(`${product.url}/dashboard/t/tenant_demo/stuck`);
  await expect(page.getByRole('region', { name: /Redrive/ }).first()).toContainText('2 of 2 done');
});

test('what was kept out is released, one or many', async ({ enter, product }) => {
  const ids: string[] = [];
  for (const at of [1, 2, 3]) ids.push(await product.call('spam-robocall', `+1512555024${at}`));
  for (const id of ids) await product.until(id, 'quarantined');
  const page = await enter('/quarantine');
  const row = (id: string) => page.getByRole('row').filter({ has: page.locator(`[data-who="${id}"]`) });
  await row(ids[0] ?? '')
    .getByRole('button', { name: /Release/ })
    .click();
  await expect(row(ids[0] ?? '')).toContainText('Completed');
  for (const id of ids.slice(1)) await row(id).getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Release selected' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Release' }).click();
  await expect(page.getByRole('region', { name: 'Release 2 leads' })).toContainText('2 of 2 done');
  for (const id of ids) await product.until(id, 'completed');
});

test('who may only read sees why a control is not theirs', async ({ enter, product }) => {
  const id = await product.call('unsure-pitch', '+15125550251');
  await product.until(id, 'in_review');
  await product.until(await product.call('spam-robocall', '+15125550252'), 'quarantined');
  const page = await enter(`/review?lead=${id}`, 'viewer');
  const approve = page.getByRole('button', { name: /Approve/ });
  await expect(approve).toBeDisabled();
  await expect(approve).toHaveAttribute('title', /takes the role operator/);
  await page.keyboard.press('a');
  await page.goto(`${product.url}/dashboard/t/tenant_demo/quarantine`);
  await expect(page.getByRole('button', { name: 'Release selected' })).toBeDisabled();
  expect((await product.api<{ status: string }>(`requests/${id}`)).status).toBe('in_review');
  await product.command('review', 'reject', id);
});
