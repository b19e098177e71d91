import fc from 'fast-check';
import { expect, it } from 'vitest';
import { circleRing, coveredBy, isOf, milesBetween, readRing, toggled, writeRing } from './area';
import { type Packed, stateOf, unpack } from './state-map';

const zips = ['78641', '78642', '78701', '78704'].map((zip) => ({ zip, lon: 0, lat: 0, place: 'Austin' }));

it('covers what is named, by itself, by its beginning, or by its town', () => {
  const by = coveredBy({ postal_codes: ['7864x', '78701'], cities: [{ name: 'austin', state: 'tx' }] }, 'TX');
  expect(zips.map(by)).toEqual(['zip', 'zip', 'zip', 'town']);
  expect(zips.map(coveredBy({ postal_codes: [], cities: [{ name: 'Austin', state: 'MN' }] }, 'TX'))).toEqual([
    null,
    null,
    null,
    null,
  ]);
});

it('takes a ZIP code out of a beginning, and the others stay', () => {
  expect(toggled(['786xx', '78701'], '78641', zips)).toEqual(['78642', '78701']);
  expect(toggled(['78701'], '78704', zips)).toEqual(['78701', '78704']);
});

it('gives back what it was pressed twice on, as far as codes are known', () => {
  const code = fc.constantFrom('78641', '78642', '78701', '78704', '786xx', '7870x');
  fc.assert(
    fc.property(fc.uniqueArray(code), fc.constantFrom(...zips), (codes, { zip }) => {
      const covers = (list: readonly string[], one: string) => list.some((each) => isOf(each, one));
      const once = toggled(codes, zip, zips);
      const twice = toggled(once, zip, zips);
      expect(covers(once, zip)).toBe(!covers(codes, zip));
      for (const { zip: other } of zips) expect(covers(twice, other)).toBe(covers(codes, other));
    }),
  );
});

it('measures over the earth, and draws circles of that size', () => {
  const [austin, dallas] = [
    [-97.7431, 30.2672],
    [-96.797, 32.7767],
  ] as const;
  expect(milesBetween(austin, dallas)).toBeCloseTo(182, 0);
  for (const corner of circleRing({ longitude: austin[0], latitude: austin[1], miles: 25 })) {
    expect(milesBetween(austin, corner)).toBeCloseTo(25, 3);
  }
});

it('reads corners as they are written, and says which line is none', () => {
  const ring = [
    [-97.9, 30.1],
    [-97.5, 30.1],
    [-97.7, 30.5],
  ] as const;
  expect(readRing(writeRing(ring))).toEqual({ ring, fault: null });
  expect(readRing('-97.9, 30.1\nhere\n1,2').fault).toMatch(/^Line 2/);
  expect(readRing('-97.9, 30.1').fault).toMatch(/three corners/);
});

it('unpacks a state, and finds the state of codes', () => {
  const packed: Packed = {
    scale: 1000,
    places: ['Leander', 'Austin'],
    zips: [501, -97_853, 30_579, 0, 60, 100, -300, 1],
    map: {
      type: 'Topology',
      arcs: [
        [
          [0, 0],
          [1, 0],
          [0, 1],
          [0, 0],
        ],
      ],
      objects: { counties: { type: 'GeometryCollection', geometries: [{ type: 'Polygon', arcs: [[0]] }] } },
    },
  };
  const { zips: all, counties } = unpack(packed);
  expect(all).toEqual([
    { zip: '00501', lon: -97.853, lat: 30.579, place: 'Leander' },
    { zip: '00561', lon: -97.753, lat: 30.279, place: 'Austin' },
  ]);
  expect(counties.features).toHaveLength(1);
  const states = {
    TX: { name: 'Texas', prefixes: ['786', '787'] },
    NY: { name: 'New York', prefixes: ['005'] },
  };
  expect(stateOf(states, ['78641', '787xx', '00501'])).toBe('TX');
  expect(stateOf(states, [])).toBeNull();
});
