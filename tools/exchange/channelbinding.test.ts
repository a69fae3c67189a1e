import { expect, it } from 'vitest';
import { bindingsOf } from './channelbinding.ts';

it('computes the value that Microsoft publishes for a certificate hash', () => {
  // "NTLM and Channel Binding Hash", Microsoft Open Specifications blog, 2013.
  const hash = Buffer.from('ea05fefecc6b0bd571dbbc5baa3ed45386d0446835f7b74c85621b9983475f95', 'hex');
  expect(bindingsOf(hash).toString('hex')).toBe('6586e99d81c2fc984e47172fd4dd0310');
});
