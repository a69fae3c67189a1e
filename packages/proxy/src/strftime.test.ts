import { expect, it } from 'vitest';
import { strftime } from './strftime.ts';

it('prints times as strftime of the C library does', () => {
  // Midnight and noon are 12; the ninth of January is the ninth day. Local times: the test holds in any zone.
  const night = new Date(2026, 0, 9, 0, 5, 7).getTime();
  expect(strftime('%a %A %b %B %d|%e|%H %I %j %m %M %p %S %y %Y|%T|%F|%D|%%|%Q', night)).toBe(
    'Fri Friday Jan January 09| 9|00 12 009 01 05 AM 07 26 2026|00:05:07|2026-01-09|01/09/26|%|%Q',
  );
  expect(strftime('%I %p', new Date(2026, 11, 31, 12, 0, 0).getTime())).toBe('12 PM');
  expect(strftime('%j', new Date(2024, 11, 31).getTime())).toBe('366');
  expect(strftime('%z', night)).toMatch(/^[+-]\d{4}$/);
  const offset = -new Date(night).getTimezoneOffset();
  expect(Number(strftime('%z', night)) === 0).toBe(offset === 0);
});
