import { createSecureContext } from 'node:tls';
import { expect, it } from 'vitest';
import { pickKeyPair } from './certificates.ts';
import type { KeyPair } from './pem.ts';

const pair = (...names: string[]): KeyPair => ({ context: createSecureContext(), names }) as KeyPair;

it.each([
  ['mail.a.test', 0],
  ['MAIL.a.test.', 0],
  ['www.a.test.', 1],
  ['a.b.a.test', undefined],
  ['a.test', undefined],
])('has for %s the certificate of that name, however it is spelled', (name, index) => {
  const pairs = [pair('mail.a.test'), pair('*.a.test')];
  expect(pickKeyPair(pairs)(name)).toBe(index === undefined ? undefined : pairs[index]);
});
