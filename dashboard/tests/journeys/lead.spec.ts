import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '../support/test';

type Detail = {
  needs_call: boolean;
  touches: { kind: string; outcome: string; note: string }[];
  links: unknown[];
};

test('whoever is to be called is called from Today, and the call is noted', async ({
  signedIn: page,
  product,
}) => {
  const id = await product.call('kitchen-quote', '+15125550301');
  await product.until(id, 'completed');
  const row = page.locator(`[data-call="${id}"]`);
  await expect(row).toBeVisible();
  await expect(row.getByRole('link', { name: /^Call/ })).toHaveAttribute('href', 'tel:+15125550301');
  await row.getByRole('button', { name: /Answered/ }).click();
  await page.getByRole('button', { name: 'Called, left a message' }).click();
  // It stays while somebody is at the list, and goes when they leave.
  await page.getByRole('heading', { level: 1 }).hover();
  await expect(row).toHaveCount(0);
  await page.goto(`${product.url}/dashboard/t/tenant_demo/leads/${id}`);
  await expect(page.getByRole('region', { name: 'What happened' })).toContainText('Called, left a message');
  // Another by key, with a note, which is only ever text. Keys work once it is known who is there.
  await expect(page.getByRole('button', { name: 'Answered' })).toBeEnabled();
  await page.keyboard.press('m');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('How').selectOption('visit');
  await dialog.getByLabel('What came of it').selectOption('reached');
  await dialog.getByLabel('Note').fill('<b>at five</b>');
  await dialog.getByRole('button', { name: 'Note it' }).click();
  await expect(page.getByRole('region', { name: 'What happened' })).toContainText('Visited, reached');
  await expect(page.getByRole('region', { name: 'What happened' })).toContainText('<b>at five</b>');
  const lead = await product.api<Detail>(`requests/${id}`);
  expect(lead.needs_call).toBe(false);
  expect(lead.touches.map(({ kind, outcome, note }) => [kind, outcome, note])).toEqual([
    ['call', 'left_message', null],
    ['visit', 'reached', '<b>at five</b>'],
  ]);
  await page.goto(`${product.url}/dashboard/t/tenant_demo/leads?needs_call=yes`);
  await expect(page.getByRole('link', { name: 'Call now' })).toBeVisible();
  await expect(page.locator(`[data-lead="${id}"]`)).toHaveCount(0);
});

test('two leads of a person are one click apart, and can be taken apart', async ({ enter, product }) => {
  const first = await product.call('kitchen-quote', '+15125550311');
  await product.until(first, 'completed');
  const second = await product.call('bathroom-leak', '+15125550311');
  await product.until(second, 'completed');
  const page = await enter(`/leads/${second}`);
  const doors = page.getByRole('region', { name: 'The same person' });
  await expect(doors).toContainText('same telephone number');
  await doors.getByRole('link', { name: 'Call' }).click();
  await expect(page).toHaveURL(new RegExp(first));
  await expect(doors).toBeVisible();
  await doors.getByRole('button', { name: /Not the same/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Take apart' }).click();
  // While it asks, the page behind it is for nobody: that the doors are not there says nothing yet.
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(doors).toHaveCount(0);
  expect((await product.api<Detail>(`requests/${second}`)).links).toEqual([]);
});

test('a booking at a time that is taken says so, and leads to the other', async ({ enter, product }) => {
  const send = async (source: string, event: string) =>
    (JSON.parse(await product.command('send', source, event)) as { request_id: string }).request_id;
  const first = await send('acuity', 'scheduled');
  await product.until(first, 'completed');
  const second = await send('acuity', 'scheduled');
  await product.until(second, 'completed');
  const page = await enter(`/leads/${second}`);
  await expect(page.getByText('Somebody else has this time')).toBeVisible();
  await page.getByRole('link', { name: 'Another booking' }).first().click();
  await expect(page).not.toHaveURL(new RegExp(second));
  await expect(page.getByRole('heading', { name: 'Deliveries' })).toBeVisible();
  await page
    .getByRole('region', { name: 'Deliveries' })
    .getByRole('button', { name: /See it/ })
    .click();
  await expect(page.getByRole('dialog')).toContainText('proven by');
});

test('what the CRM answered to a refused lead is on its page', async ({ enter, product }) => {
  await product.fault('hubspot', { kind: 'status', status: 400 });
  const id = await product.call('kitchen-quote', '+15125550321');
  await product.until(id, 'parked');
  const page = await enter(`/leads/${id}`);
  const sent = page.getByRole('region', { name: 'Sent to' });
  await expect(sent).toContainText('1 attempt, 1 failed');
  await expect(sent.getByText('It answered')).toBeVisible();
  await page.getByRole('button', { name: 'Redrive' }).click();
  await product.until(id, 'completed');
  await expect(sent).toContainText('2 attempts, 1 failed');
});

test('a file that came with a form is saved by whoever may, as long as it is there', async ({
  enter,
  product,
}) => {
  const id = await product.form();
  await product.until(id, 'completed');
  const page = await enter(`/leads/${id}`);
  const files = page.getByRole('region', { name: 'Files' });
  await expect(files).toContainText('Photo · image/jpeg · 40 bytes');
  const saving = page.waitForEvent('download');
  await files.getByRole('button', { name: 'Download kitchen.jpg' }).click();
  const saved = await saving;
  expect(saved.suggestedFilename()).toBe('kitchen.jpg');
  expect(readFileSync(await saved.path()).subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]));
  await expect(page).toHaveURL(new RegExp(id));
  // Removed from the folder meanwhile.
  rmSync(join(product.folder, 'blobs', 'tenant_demo'), { recursive: true });
  await files.getByRole('button', { name: 'Download kitchen.jpg' }).click();
  await expect(files.getByRole('alert')).toContainText('removed meanwhile');
  await expect(files.getByRole('button')).toHaveCount(0);
});

test('a file that could not be read says why, and who may only look does not save it', async ({
  enter,
  product,
}) => {
  await product.readDocuments();
  await product.fault('document_ai', { kind: 'status', status: 400 });
  const id = await product.form();
  await product.until(id, 'completed');
  const page = await enter(`/leads/${id}`, 'viewer');
  const files = page.getByRole('region', { name: 'Files' });
  await expect(files).toContainText('It could not be read, and the lead went on without');
  const save = files.getByRole('button', { name: 'Download kitchen.jpg' });
  await expect(save).toBeDisabled();
  await expect(save).toHaveAttribute('title', /takes the role operator/);
});

test('a call is heard from a quoted sentence on, and by keys', async ({ enter, product }) => {
  const id = await product.call('kitchen-quote', '+15125550331');
  await product.until(id, 'completed');
  const page = await enter(`/leads/${id}`);
  const audio = page.locator('audio');
  const second = () => audio.evaluate((element: HTMLAudioElement) => element.currentTime);
  const reasons = page.getByRole('region', { name: 'Why this score' });
  await expect(reasons.getByRole('button').first()).toBeVisible();
  // Nothing is asked for before somebody listens.
  expect(await audio.evaluate((element: HTMLAudioElement) => element.currentSrc)).toBe('');
  const part = page.waitForResponse((answer) => answer.url().includes('/recording?link='));
  // The first of them: much is left to hear behind it, however slow the machine is.
  await reasons.getByRole('button').first().click();
  expect((await part).status()).toBe(206);
  const [minutes, seconds] = ((await reasons.getByRole('button').first().textContent()) ?? '')
    .slice(-4)
    .split(':')
    .map(Number);
  const said = (minutes ?? 0) * 60 + (seconds ?? 0);
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible();
  await expect.poll(second).toBeGreaterThan(said - 1);
  // It goes on by itself, and the sentence that is heard is marked.
  const from = await second();
  await expect.poll(second).toBeGreaterThan(from);
  await expect(page.locator('button[aria-current]')).toHaveCount(1);
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(page.getByRole('button', { name: 'Play', exact: true })).toBeVisible();
  const stopped = await second();
  await page.getByRole('heading', { level: 1 }).click();
  await page.keyboard.press('ArrowLeft');
  await expect.poll(second).toBeCloseTo(Math.max(0, stopped - 5), 1);
  const slider = page.getByRole('slider', { name: 'Moment of the recording' });
  await expect(slider).toHaveAttribute('aria-valuetext', /second.* of .*second/);
  await slider.press('ArrowRight');
  await expect.poll(second).toBeCloseTo(Math.max(5, stopped), 1);
  await page.getByRole('heading', { level: 1 }).click();
  await page.keyboard.press('.');
  await expect(page.getByLabel('Speed')).toHaveValue('1.25');
  await page.keyboard.press(' ');
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible();
  expect(await audio.evaluate((element: HTMLAudioElement) => element.playbackRate)).toBe(1.25);
});

test('a link that has ended is renewed from where it was, and a recording that is gone says so', async ({
  enter,
  product,
}) => {
  const id = await product.call('kitchen-quote', '+15125550332');
  await product.until(id, 'completed');
  const page = await enter(`/leads/${id}?at=9`);
  let links = 0;
  page.on('request', (request) => {
    if (request.url().endsWith('/recording/link')) links += 1;
  });
  // As if it had ended on its way.
  let refused = 1;
  await page.route('**/recording?link=*', async (route) => {
    if (refused > 0) {
      refused -= 1;
      await route.fulfill({ status: 401 });
    } else await route.continue();
  });
  await page.getByRole('button', { name: 'Play', exact: true }).click();
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible();
  await expect
    .poll(() => page.locator('audio').evaluate((element: HTMLAudioElement) => element.currentTime))
    .toBeGreaterThan(9);
  expect(links).toBe(2);
  const other = await product.call('kitchen-quote', '+15125550333');
  await product.until(other, 'completed');
  rmSync(join(product.folder, 'blobs', 'tenant_demo'), { recursive: true });
  await page.goto(`${product.url}/dashboard/t/tenant_demo/leads/${other}`);
  await page.getByRole('button', { name: 'Play', exact: true }).click();
  await expect(page.getByRole('region', { name: 'Recording' }).getByRole('alert')).toContainText(
    'The recording cannot be played',
  );
});
