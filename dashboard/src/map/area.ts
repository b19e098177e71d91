// What a service area covers, and how it is changed on a map.
import type { Zip } from './state-map';

export type Point = readonly [lon: number, lat: number];
export type Circle = { latitude: number; longitude: number; miles: number };
export type Shape = { name: string; ring: Point[]; holes?: Point[][] };
export type Area = {
  postal_codes: string[];
  cities: { name: string; state: string }[];
  radius: Circle | null;
  polygons: Shape[];
};

/** The earth's mean radius. */
const EARTH_MILES = 3958.8;
const radians = (degrees: number) => (degrees * Math.PI) / 180;

/** Miles between two points, over the earth. */
export function milesBetween([lonA, latA]: Point, [lonB, latB]: Point): number {
  const [dLat, dLon] = [radians(latB - latA), radians(lonB - lonA)];
  const half =
    Math.sin(dLat / 2) ** 2 + Math.cos(radians(latA)) * Math.cos(radians(latB)) * Math.sin(dLon / 2) ** 2;
  return 2 * EARTH_MILES * Math.asin(Math.min(1, Math.sqrt(half)));
}

/** Whether a code, or the beginning of codes (`786xx`), is this ZIP code or has it. */
export const isOf = (code: string, zip: string): boolean => zip.startsWith(code.replace(/x+$/i, ''));

/** A ring around a point, drawn in so many corners. */
export function circleRing({ latitude, longitude, miles }: Circle, corners = 72): Point[] {
  const distance = miles / EARTH_MILES;
  const lat = radians(latitude);
  return Array.from({ length: corners + 1 }, (_, at) => {
    const bearing = (at / corners) * 2 * Math.PI;
    const to = Math.asin(
      Math.sin(lat) * Math.cos(distance) + Math.cos(lat) * Math.sin(distance) * Math.cos(bearing),
    );
    const east = Math.atan2(
      Math.sin(bearing) * Math.sin(distance) * Math.cos(lat),
      Math.cos(distance) - Math.sin(lat) * Math.sin(to),
    );
    return [longitude + (east * 180) / Math.PI, (to * 180) / Math.PI] as const;
  });
}

export type Covered = 'zip' | 'town' | null;

/** Whether a ZIP code is in the area by itself or by its town. Circles and shapes judge by coordinates, not by codes. */
export function coveredBy(area: Pick<Area, 'postal_codes' | 'cities'>, state: string): (zip: Zip) => Covered {
  const whole = new Set(area.postal_codes.filter((code) => /^\d{5}$/.test(code)));
  const begun = area.postal_codes.filter((code) => !/^\d{5}$/.test(code));
  const towns = new Set(
    area.cities.filter((town) => town.state.toUpperCase() === state).map((town) => town.name.toLowerCase()),
  );
  return ({ zip, place }) => {
    if (whole.has(zip) || begun.some((code) => isOf(code, zip))) return 'zip';
    return towns.has(place.toLowerCase()) ? 'town' : null;
  };
}

/** The codes with this ZIP code, or without it. What has it by its beginning becomes the others that begin so. */
export function toggled(codes: readonly string[], zip: string, known: readonly Zip[]): string[] {
  const having = codes.filter((code) => isOf(code, zip));
  if (having.length === 0) return [...codes, zip].sort();
  const kept = codes.filter((code) => !isOf(code, zip));
  const others = known
    .map((one) => one.zip)
    .filter((one) => one !== zip && having.some((code) => isOf(code, one)));
  return [...new Set([...kept, ...others])].sort();
}

/** Corners as people write them: a line for each, longitude first. */
export const writeRing = (ring: readonly Point[]): string =>
  ring.map(([lon, lat]) => `${round(lon)}, ${round(lat)}`).join('\n');

const round = (degrees: number): number => Math.round(degrees * 1e5) / 1e5;

export function readRing(text: string): { ring: Point[]; fault: string | null } {
  const ring: Point[] = [];
  let fault: string | null = null;
  text.split('\n').forEach((line, at) => {
    if (!line.trim()) return;
    const [lon, lat, ...more] = line
      .split(/[,\s]+/)
      .filter(Boolean)
      .map(Number);
    const isPoint =
      lon !== undefined &&
      lat !== undefined &&
      more.length === 0 &&
      Math.abs(lon) <= 180 &&
      Math.abs(lat) <= 90;
    if (isPoint) ring.push([lon, lat]);
    else fault ??= `Line ${at + 1}: write longitude and latitude, as in -97.74, 30.27.`;
  });
  if (!fault && ring.length < 3) fault = 'A shape has three corners or more.';
  return { ring, fault };
}
