import { expect, it } from 'vitest';
import { canonicalHost } from './hostname.ts';

it.each([
  ['Mail.Contoso.COM', 'mail.contoso.com'],
  ['mail.test.', 'mail.test'],
  ['mail.test..', 'mail.test.'],
  ['.', ''],
  ['', ''],
  ['127.0.0.1', '127.0.0.1'],
  ['127.1', '127.0.0.1'],
  ['0x7F.0.0.1.', '127.0.0.1'],
  ['3221226064', '192.0.2.80'],
  ['0300.0.2.80', '192.0.2.80'],
  ['[2001:DB8:0::1]', '[2001:db8::1]'],
  ['[::ffff:192.0.2.80]', '192.0.2.80'],
  // No addresses: a digit that is none in base 8, five parts, a number too large, and brackets around nothing of the kind.
  ['192.0.2.080', '192.0.2.080'],
  ['1.2.3.4.5', '1.2.3.4.5'],
  ['1.2.3.256', '1.2.3.256'],
  ['[x]', '[x]'],
  ['shop.0x', 'shop.0x'],
  ['a.1', 'a.1'],
])('spells %j as %j', (written, spelled) => expect(canonicalHost(written)).toBe(spelled));
