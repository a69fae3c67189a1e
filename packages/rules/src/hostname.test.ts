import { expect, it } from 'vitest';
import { canonicalHost } from './hostname.ts';

it.each([
  ['Mail.Contoso.COM', 'mail.contoso.com'],
  ['mail.test.', 'mail.test'],
  ['mail.test..', 'mail.test.'],
  ['.', ''],
  ['', ''],
])('spells %j as %j', (written, spelled) => expect(canonicalHost(written)).toBe(spelled));
