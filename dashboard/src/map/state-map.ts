// A state's counties and ZIP codes, as `scripts/geo.mjs` packs them.
import type { FeatureCollection, GeoJsonProperties, Geometry } from 'geojson';
import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';

export type Zip = { zip: string; lon: number; lat: number; place: string };
export type StateMap = { zips: Zip[]; counties: FeatureCollection<Geometry, GeoJsonProperties> };
export type States = Record<string, { name: string; prefixes: string[] }>;

export type Packed = {
  /** Of a degree. */
  scale: number;
  places: string[];
  /** Four numbers for each ZIP code: itself, longitude, latitude, each less the one before, and its place. */
  zips: number[];
  map: Topology<{ counties: GeometryCollection }>;
};

export function unpack({ scale, places, zips, map }: Packed): StateMap {
  const all: Zip[] = [];
  let [zip, lon, lat] = [0, 0, 0];
  for (let at = 0; at + 3 < zips.length; at += 4) {
    zip += zips[at] ?? 0;
    lon += zips[at + 1] ?? 0;
    lat += zips[at + 2] ?? 0;
    all.push({
      zip: String(zip).padStart(5, '0'),
      lon: lon / scale,
      lat: lat / scale,
      place: places[zips[at + 3] ?? -1] ?? '',
    });
  }
  return { zips: all, counties: feature(map, map.objects.counties) };
}

/** The state that most of these ZIP codes or their beginnings are in. */
export function stateOf(states: States, codes: readonly string[]): string | null {
  const counts = new Map<string, number>();
  for (const code of codes) {
    const prefix = code.slice(0, 3);
    for (const [state, { prefixes }] of Object.entries(states)) {
      if (prefixes.includes(prefix)) counts.set(state, (counts.get(state) ?? 0) + 1);
    }
  }
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  return most?.[0] ?? null;
}
