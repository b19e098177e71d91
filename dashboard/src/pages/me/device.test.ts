import { expect, it } from 'vitest';
import { deviceName } from './device';

it('names browsers and systems as people do', () => {
  const mac =
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15';
  const phone =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605 CriOS/126.0 Safari/604.1';
  const edge = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537 Chrome/126.0 Safari/537 Edg/126.0';
  expect([mac, phone, edge, 'curl/8.5', ''].map(deviceName)).toEqual([
    'Safari on Mac',
    'Chrome on iPhone',
    'Edge on Windows',
    'curl/8.5',
    'Unknown browser',
  ]);
});
