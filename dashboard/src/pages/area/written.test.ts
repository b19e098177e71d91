import { expect, it } from 'vitest';
import type { Config } from '../../api/config';
import { areaOf, read, readArea, write } from './written';

const config = {
  spam: { review_from: 50 },
  service_area: {
    postal_codes: ['78641', '786xx'],
    cities: [{ name: 'Round Rock', state: 'TX' }],
    radius: { latitude: 30.27, longitude: -97.74, miles: 25 },
    polygons: [
      {
        name: 'Lake',
        ring: [
          [-97.9, 30.1],
          [-97.5, 30.1],
          [-97.7, 30.5],
        ],
        holes: [
          [
            [-97.7, 30.2],
            [-97.6, 30.2],
            [-97.65, 30.25],
          ],
        ],
      },
    ],
  },
} as unknown as Config;

it('gives an area back as it was, with what it does not show', () => {
  expect(read(config, write(config))).toEqual(config);
  expect(readArea(write({} as Config))).toEqual({
    area: { postal_codes: [], cities: [], radius: null, polygons: [] },
    faults: {},
  });
});

it('says what cannot be read, and where', () => {
  const written = write(config);
  const { faults } = readArea({
    ...written,
    zips: '78641, Austin',
    towns: 'Austin',
    miles: '',
    shapes: [{ name: 'Lake', ring: '1, 2', holes: [] }],
  });
  expect(Object.keys(faults)).toEqual(['zips', 'towns', 'radius', 'shape 0']);
  expect(faults.zips).toContain('austin');
});

it('reads an area that nobody set', () => {
  expect(areaOf({} as Config)).toEqual({ postal_codes: [], cities: [], radius: null, polygons: [] });
});
