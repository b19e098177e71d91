import { expect, test } from '../support/test';

type Config = { version: number; config: { spam: { review_from: number }; retry: object } };

test('rules are tried, saved, compared and restored, and of two the later chooses', async ({
  enter,
  product,
}) => {
  const id = await product.call('unsure-pitch', '+15125550501');
  await product.until(id, 'in_review');
  const { items } = await product.api<{ items: { office_id: string }[] }>('offices');
  const read = () => product.api<Config>(`offices/${items[0]?.office_id}/config`);
  const before = await read();
  const page = await enter('/rules');
  const from = page.getByLabel('A person decides from');
  await expect(from).toHaveValue('50');
  await from.fill('70');
  await page.getByRole('button', { name: /Try it/ }).click();
  await expect(page.getByText('would be treated differently')).toContainText(/Of \d+ leads, [1-9]/);
  expect((await read()).version, 'nothing is saved by a try').toBe(before.version);

  await page.getByLabel('Towns').fill('Austin');
  await expect(page.getByText('Line 1: write')).toBeVisible();
  await expect(page.getByRole('button', { name: /Save as version/ })).toBeDisabled();
  await page.getByLabel('Towns').fill('Round Rock, TX');
  await page.getByLabel('Why').fill('<script>alert(1)</script>');
  await page.getByRole('button', { name: /Save as version/ }).click();
  await expect(page.getByText(/is in use: it counts/)).toBeVisible();
  const saved = await read();
  expect(saved.config.spam.review_from).toBe(70);
  expect(saved.config.retry, 'what the page does not show is kept').toEqual(before.config.retry);

  const history = page.getByRole('region', { name: 'Versions' });
  await expect(history).toContainText('<script>alert(1)</script>');
  await history.getByRole('button', { name: `What changed in version ${saved.version}` }).click();
  await expect(history).toContainText('spam.review_from');

  // The stream is cut off, so that the page does not hear of what somebody else saves.
  await page.route('**/live', (route) => route.abort());
  await page.reload();
  await from.fill('60');
  await product.command('config', 'restore', String(before.version));
  await page.getByRole('button', { name: /Save as version/ }).click();
  await expect(page.getByText('Somebody else saved version')).toBeVisible();
  await page.getByRole('button', { name: 'Save mine over it' }).click();
  await expect(page.getByText(/is in use: it counts/)).toBeVisible();
  expect((await read()).config.spam.review_from).toBe(60);

  await history
    .getByRole('button', { name: `version ${before.version}`, exact: false })
    .last()
    .click();
  await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
  await expect(from).toHaveValue('50');
  await product.command('review', 'reject', id);
});
