import { expect, test } from '../support/test';

type Config = {
  version: number;
  config: {
    retry: object;
    service_area: {
      postal_codes: string[];
      cities: { name: string; state: string }[];
      radius: { miles: number } | null;
      polygons: { name: string; ring: number[][] }[];
    };
  };
};

test('an area is pasted, pressed and drawn, tried and saved, and of two the later chooses', async ({
  enter,
  product,
}) => {
  await product.until(await product.call('kitchen-quote', '+15125550601'), 'completed');
  const { items } = await product.api<{ items: { office_id: string }[] }>('offices');
  const read = () => product.api<Config>(`offices/${items[0]?.office_id}/config`);
  const before = await read();
  const page = await enter('/area');
  const zips = page.getByLabel('ZIP codes', { exact: true });
  const save = page.getByRole('button', { name: /Save as version/ });
  // Pasted, with a mistake that is named.
  await zips.fill('78664, Austin, 787xx');
  await expect(page.getByText('“austin” is no ZIP code')).toBeVisible();
  await expect(save).toBeDisabled();
  await zips.fill('78664, 787xx');
  // Pressed on the map: the beginning becomes the others that begin so.
  const map = page.getByRole('img', { name: /ZIP codes are in the area/ });
  await page.getByRole('button', { name: 'ZIP codes', exact: true }).click();
  await map.locator('[data-zip="78736"]').click();
  await expect(zips).not.toHaveValue(/78736|787xx/);
  await expect(zips).toHaveValue(/78664.*78701/);
  // Drawn: a circle and a shape.
  const box = await map.boundingBox();
  const at = (x: number, y: number) => ({
    position: { x: (box?.width ?? 0) * x, y: (box?.height ?? 0) * y },
  });
  await page.getByRole('button', { name: 'Circle' }).click();
  await map.click(at(0.5, 0.5));
  await expect(page.getByLabel('Miles around')).toHaveValue('25');
  await page.getByLabel('Miles around').fill('12.5');
  await page.getByRole('button', { name: 'Shape', exact: true }).click();
  for (const [x, y] of [
    [0.3, 0.3],
    [0.6, 0.3],
    [0.5, 0.6],
  ] as const)
    await map.click(at(x, y));
  await page.getByRole('button', { name: 'Close the shape' }).click();
  await page.getByLabel('Name of shape 1').fill('Lake <b>Travis</b>');
  // Tried: nothing is saved by it.
  await page.getByRole('button', { name: /Try it/ }).click();
  await expect(page.getByText('would be treated differently')).toBeVisible();
  expect((await read()).version).toBe(before.version);
  await page.getByLabel('Why').fill('West of the lake');
  await save.click();
  await expect(page.getByText(/is in use: it counts/)).toBeVisible();
  const saved = await read();
  const { service_area: area } = saved.config;
  expect(area.postal_codes).toContain('78664');
  expect(area.postal_codes).not.toContain('78736');
  expect(area.cities).toEqual(before.config.service_area.cities);
  expect(area.radius?.miles).toBe(12.5);
  expect(area.polygons.map(({ name, ring }) => [name, ring.length])).toEqual([['Lake <b>Travis</b>', 3]]);
  expect(saved.config.retry, 'what the page does not show is kept').toEqual(before.config.retry);

  // The stream is cut off, so that the page does not hear of what somebody else saves.
  await page.route('**/live', (route) => route.abort());
  await page.reload();
  await page.getByLabel('Towns').fill('Leander, TX');
  await product.command('config', 'restore', String(before.version));
  await save.click();
  await expect(page.getByText('Somebody else saved version')).toBeVisible();
  await page.getByRole('button', { name: 'Take theirs' }).click();
  await expect(page.getByLabel('Towns')).toHaveValue('Round Rock, TX');
  await expect(page.getByLabel('Miles around')).toHaveValue('');
});

test('who may not change the area sees it, and why', async ({ enter }) => {
  const page = await enter('/area?state=CO', 'viewer');
  await expect(page.getByRole('img', { name: /^CO: 0 of/ })).toBeVisible();
  await expect(page.getByLabel('ZIP codes', { exact: true })).toBeDisabled();
  await expect(page.getByRole('button', { name: 'ZIP codes', exact: true })).toBeDisabled();
  const save = page.getByRole('button', { name: /Save as version/ });
  await expect(save).toHaveAttribute('title', /takes the role tenant_admin/);
});
