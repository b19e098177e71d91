// How numbers, times and names are written. All by `Intl`, in the office's zone, which is always given.

const LOCALE = 'en-US';
/** What stands for a value that nobody knows. */
export const UNKNOWN = '–';

const count = new Intl.NumberFormat(LOCALE);
/** 1,204 */
export const number = (value: number): string => count.format(value);

/** 8.4 % below ten, 92 % from ten on: `share` is 0 to 1. */
export function percent(share: number): string {
  const value = share * 100;
  const digits = value < 10 && value > 0 ? 1 : 0;
  return `${new Intl.NumberFormat(LOCALE, { maximumFractionDigits: digits }).format(value)} %`;
}

/** How large a file is: `40 bytes`, `2.1 MB`. */
export function fileSize(bytes: number): string {
  if (bytes === 1) return '1 byte';
  if (bytes < 1_000) return `${number(bytes)} bytes`;
  if (bytes < 999_500) return `${number(Math.round(bytes / 1_000))} KB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** A call's length: 4:12, or 1:02:05. */
export function callLength(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const two = (part: number) => String(part).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** How long a step took: 12 ms, 0.9 s, 41 s, 2m 5s. */
export function took(ms: number): string {
  if (ms < 100) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 59_500) return `${Math.round(ms / 1000)} s`;
  return waited(ms / 1000);
}

/** How long somebody waits: 42s, 6m 12s, 3h 5m, 2d 4h. */
export function waited(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h ${Math.floor((whole % 3600) / 60)}m`;
  return `${Math.floor(whole / 86_400)}d ${Math.floor((whole % 86_400) / 3600)}h`;
}

/** The same to the minute, for what is counted on while it is looked at: under 1 min, 6 min, 3h 5m. */
export function waitedAbout(seconds: number): string {
  if (seconds < 60) return 'under 1 min';
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min` : waited(seconds);
}

/** (512) 555-0177 for numbers of North America, +44 20 7946 0000 as +442079460000 otherwise. */
export function phone(e164: string): string {
  const us = /^(?:\+1)?(\d{3})(\d{3})(\d{4})$/.exec(e164);
  return us ? `(${us[1]}) ${us[2]}-${us[3]}` : e164;
}

/** "12 min ago" up to an hour, 2:14 PM on the same day, Nov 3 in the same year, else Nov 3, 2024. */
export function when(at: string, now: number, zone: string): string {
  const time = Date.parse(at);
  if (Number.isNaN(time)) return UNKNOWN;
  const seconds = (now - time) / 1000;
  if (seconds < 60 && seconds > -60) return 'just now';
  // What is still to come is told with its day and its hour.
  if (seconds < 0) {
    return new Intl.DateTimeFormat(LOCALE, {
      timeZone: zone,
      weekday: 'short',
      month: 'short',
      day: 'numeric',
      hour: 'numeric',
      minute: '2-digit',
    }).format(time);
  }
  if (seconds >= 60 && seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (day(time, zone) === day(now, zone)) return clock(time, zone);
  const isThisYear = day(time, zone).slice(0, 4) === day(now, zone).slice(0, 4);
  return new Intl.DateTimeFormat(LOCALE, {
    timeZone: zone,
    month: 'short',
    day: 'numeric',
    ...(isThisYear ? {} : { year: 'numeric' }),
  }).format(time);
}

/** 2:14 PM */
export function clock(time: number, zone: string): string {
  return new Intl.DateTimeFormat(LOCALE, { timeZone: zone, hour: 'numeric', minute: '2-digit' }).format(time);
}

/** The day in the zone, as the API takes it: 2026-11-27. */
export function day(time: number, zone: string): string {
  const parts = new Intl.DateTimeFormat('en-CA', { timeZone: zone }).formatToParts(time);
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')}`;
}

/** With zone and UTC, for who wants to know exactly. */
export function exactly(at: string, zone: string): string {
  const time = Date.parse(at);
  if (Number.isNaN(time)) return at;
  const local = new Intl.DateTimeFormat(LOCALE, {
    timeZone: zone,
    dateStyle: 'medium',
    timeStyle: 'long',
  }).format(time);
  return `${local} (${new Date(time).toISOString().replace('T', ' ').slice(0, 19)} UTC)`;
}

/** The city of a zone: Chicago for America/Chicago. */
export const cityOf = (zone: string): string => (zone.split('/').pop() ?? zone).replaceAll('_', ' ');

/** From and to, both within: controls but tab and line break, and what turns text around or takes no room. */
const UNSEEN = [
  [0x00, 0x08],
  [0x0b, 0x0c],
  [0x0e, 0x1f],
  [0x7f, 0x9f],
  [0x200b, 0x200b],
  [0x200e, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x2060],
  [0x2066, 0x2069],
  [0xfeff, 0xfeff],
] as const;

/** Characters that would not be seen, or that turn text around, are shown by their names. */
export function shown(text: string): string {
  const show = (char: string): string => {
    const code = char.codePointAt(0) ?? 0;
    const isUnseen = UNSEEN.some(([from, to]) => code >= from && code <= to);
    return isUnseen ? `\u27e8U+${code.toString(16).toUpperCase().padStart(4, '0')}\u27e9` : char;
  };
  return Array.from(text, show).join('');
}
