// A service area as it is written in fields, and back.
import type { Config } from '../../api/config';
import { type Area, type Point, readRing, writeRing } from '../../map/area';
import { readList, readTowns, writeTowns } from '../../text/lists';

export type WrittenShape = { name: string; ring: string; holes: Point[][] };
export type Written = {
  zips: string;
  towns: string;
  latitude: string;
  longitude: string;
  miles: string;
  shapes: WrittenShape[];
};

export const CODE = /^\d{3}(\d{2}|\dx|xx)$/;

export const areaOf = ({ service_area }: Config): Area => ({
  postal_codes: service_area?.postal_codes ?? [],
  cities: service_area?.cities ?? [],
  radius: service_area?.radius ?? null,
  polygons: (service_area?.polygons ?? []) as unknown as Area['polygons'],
});

export function write(config: Config): Written {
  const { postal_codes, cities, radius, polygons } = areaOf(config);
  return {
    zips: postal_codes.join(', '),
    towns: writeTowns(cities),
    latitude: radius ? String(radius.latitude) : '',
    longitude: radius ? String(radius.longitude) : '',
    miles: radius ? String(radius.miles) : '',
    shapes: polygons.map(({ name, ring, holes }) => ({ name, ring: writeRing(ring), holes: holes ?? [] })),
  };
}

export type Faults = Partial<Record<'zips' | 'towns' | 'radius' | `shape ${number}`, string>>;

/** The area as far as it can be read, and what cannot. */
export function readArea(written: Written): { area: Area; faults: Faults } {
  const faults: Faults = {};
  const codes = readList(written.zips).map((code) => code.toLowerCase());
  const wrong = codes.find((code) => !CODE.test(code));
  if (wrong) faults.zips = `“${wrong}” is no ZIP code. Write five digits, or the first ones, as in 786xx.`;
  const towns = readTowns(written.towns);
  if (towns.faults[0]) faults.towns = towns.faults[0];
  const circle = [written.latitude, written.longitude, written.miles].map((text) => text.trim());
  const [latitude = Number.NaN, longitude = Number.NaN, miles = Number.NaN] = circle.map((text) =>
    text === '' ? Number.NaN : Number(text),
  );
  const isCircle = Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 && miles > 0 && miles <= 12_500;
  if (!isCircle && circle.some(Boolean)) {
    faults.radius = 'A circle takes a latitude, a longitude and its miles, or none of the three.';
  }
  const polygons = written.shapes.map(({ name, ring, holes }, at) => {
    const { ring: points, fault } = readRing(ring);
    if (fault || !name.trim()) faults[`shape ${at}`] = fault ?? 'A shape has a name.';
    return { name: name.trim(), ring: points, ...(holes.length > 0 && { holes }) };
  });
  return {
    area: {
      postal_codes: codes.filter((code) => CODE.test(code)),
      cities: towns.towns,
      radius: isCircle ? { latitude, longitude, miles } : null,
      polygons,
    },
    faults,
  };
}

/** What was written, over all that this page does not show. */
export const read = (before: Config, written: Written): Config => ({
  ...before,
  service_area: { ...before.service_area, ...readArea(written).area } as unknown as NonNullable<
    Config['service_area']
  >,
});
