import { expect, test } from '../support/test';

type Config = {
  version: number;
  config: {
    retry: object;
    notifications: {
      email: string[];
      from_name: string | null;
      channels: { channel: string; connection: string; to: string | null; shows_contact: boolean }[];
    };
  };
};

test('people and channels are told, it shows how that went, and of two who save the later chooses', async ({
  enter,
  product,
}) => {
  const { items } = await product.api<{ items: { office_id: string }[] }>('offices');
  const read = () => product.api<Config>(`offices/${items[0]?.office_id}/config`);
  const before = await read();
  const page = await enter('/notifications');
  const save = page.getByRole('button', { name: /Save as version/ });
  const told = page.getByLabel('Who is told');
  await expect(told).toHaveValue('sales@example.com');
  await expect(page.getByRole('region', { name: 'By e-mail' })).toContainText('SendGrid ✓ taken');

  await told.fill('sales@example.com\nann');
  await expect(page.getByText('“ann”: not an address.')).toBeVisible();
  await expect(save).toBeDisabled();
  await told.fill('sales@example.com, ann@example.com');
  await page.getByLabel('Sender’s name').fill('<b>Leads</b> of Austin');

  const chat = page.getByRole('region', { name: 'In the team’s chat' });
  await chat.getByRole('button', { name: 'Add a channel' }).click();
  await chat.getByRole('button', { name: 'Add a channel' }).click();
  await expect(chat).toContainText('This place stands here twice');
  const second = chat.getByRole('group', { name: 'Slack 2' });
  await second.getByLabel('Channel or person').fill('#leads');
  await second.getByLabel(/Show telephone number/).check();
  await save.click();
  // What only the server knows is told at the field.
  await expect(second.getByLabel('Channel or person')).toHaveAttribute('aria-invalid', 'true');
  await second.getByLabel('Channel or person').fill('C0SIMOTHER');
  await save.click();
  await expect(page.getByText(/is in use: it counts/)).toBeVisible();
  const saved = await read();
  expect(saved.config.notifications).toMatchObject({
    email: ['sales@example.com', 'ann@example.com'],
    from_name: '<b>Leads</b> of Austin',
    channels: [
      { channel: 'slack', connection: 'slack', to: null, shows_contact: false },
      { channel: 'slack', connection: 'slack', to: 'C0SIMOTHER', shows_contact: true },
    ],
  });
  expect(saved.config.retry, 'what the page does not show is kept').toEqual(before.config.retry);

  // The page says of each how it went while it happens.
  await product.until(await product.call('kitchen-quote', '+15125550801'), 'completed');
  const row = (who: string) => page.getByRole('row', { name: new RegExp(`^${who} `) });
  await expect(row('ann@example.com')).toContainText('✓ sent');
  await expect(row('slack')).toContainText('✓ sent');
  await expect(row('slack/C0SIMOTHER')).toContainText('✕ not sent');
  await expect(row('slack/C0SIMOTHER')).toContainText('0 of 1');

  // The stream is cut off, so that the page does not hear of what somebody else saves.
  await page.route('**/live', (route) => route.abort());
  await page.reload();
  await told.fill('luis@example.com');
  await product.command('config', 'restore', String(before.version));
  await save.click();
  await expect(page.getByText('Somebody else saved version')).toBeVisible();
  await page.getByRole('button', { name: 'Take theirs' }).click();
  await expect(told).toHaveValue('sales@example.com');
  await expect(chat).toContainText('No channel is told');
});

test('a mail provider that refuses its secret is mended where people are told', async ({
  enter,
  product,
}) => {
  await product.fault('sendgrid', { kind: 'revoked_token' });
  const id = await product.call('kitchen-quote', '+15125550802');
  await product.until(id, 'held');
  const page = await enter('/notifications');
  await expect(page.getByText(/The messages of \d+ leads? wait for somebody/)).toBeVisible();
  const mail = page.getByRole('region', { name: 'By e-mail' });
  await expect(mail).toContainText('SendGrid ✕ secret refused');
  await mail.getByRole('button', { name: 'New secret… for SendGrid' }).click();
  await page.getByRole('textbox', { name: 'Secret' }).fill('SG.simulated-sendgrid-key');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText(/\d+ steps? (goes|go) on\./)).toBeVisible();
  await product.until(id, 'completed');
  await expect(mail).toContainText('✓ taken');
});

test('who does not administer sees who is told, and a failure says what cannot be read', async ({
  enter,
}) => {
  const page = await enter('/notifications', 'viewer');
  await expect(page.getByLabel('Who is told')).toBeDisabled();
  await expect(page.getByRole('button', { name: 'Add a channel' })).toHaveAttribute('title', /tenant_admin/);
  await expect(page.getByRole('button', { name: /Save as version/ })).toHaveAttribute(
    'title',
    /tenant_admin/,
  );
  await page.route('**/config', (route) =>
    route.fulfill({
      status: 403,
      contentType: 'application/problem+json',
      json: { type: '/problems/forbidden', title: 'Forbidden', detail: 'Not you.', request_id: 'r-1' },
    }),
  );
  await page.reload();
  await expect(page.getByText('Who is told cannot be read.')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Notifications' })).toBeVisible();
});
