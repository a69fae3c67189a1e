import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answersNonce,
  clientChallenge,
  composeType1,
  composeType2,
  composeType3,
  ntlmV2Proof,
  readNtlm,
} from './ntlm.ts';

type Tokens = { client: string; connection: string; type1: string; type2: string; type3: string };
const seen: Tokens[] = JSON.parse(readFileSync(new URL('../fixtures/ntlm.json', import.meta.url), 'utf8')).tokens;

function read<Kind extends 'type1' | 'type2' | 'type3'>(kind: Kind, bytes: Buffer) {
  const message = readNtlm(bytes);
  if (message.kind !== kind) throw new Error(`expected ${kind}, read ${JSON.stringify(message)}`);
  return message as Extract<typeof message, { kind: Kind }>;
}
const decode = (base64: string) => Buffer.from(base64, 'base64');

it('computes the NTLMv2 proof of MS-NLMP 4.2.4', () => {
  const [domain, server] = ['02000c0044006f006d00610069006e00', '01000c00530065007200760065007200'];
  const targetInfo = Buffer.from(`${domain}${server}00000000`, 'hex');
  const blob = clientChallenge({ time: Buffer.alloc(8), clientNonce: Buffer.alloc(8, 0xaa), targetInfo });
  const proof = ntlmV2Proof(
    { user: 'User', domain: 'Domain', password: 'Password' },
    Buffer.from('0123456789abcdef', 'hex'),
    blob,
  );
  expect(proof.toString('hex')).toBe('68cd0ab851e51c96aabc927bebef6a1c');
});

describe('what real clients sent', () => {
  for (const tokens of seen) {
    it(`${tokens.client}, ${tokens.connection}: the type 3 answers its own nonce, with its own password`, () => {
      read('type1', decode(tokens.type1));
      const { nonce } = read('type2', decode(tokens.type2));
      const type3 = read('type3', decode(tokens.type3));
      expect([type3.domain, type3.user]).toEqual(['LAB', 'lab']);
      expect(answersNonce(type3, 'Secret1', nonce)).toBe(true);
      expect(answersNonce(type3, 'secret1', nonce)).toBe(false);
      for (const other of seen.filter((one) => one !== tokens)) {
        expect(answersNonce(type3, 'Secret1', read('type2', decode(other.type2)).nonce)).toBe(false);
      }
    });
  }
});

it('makes a type 2 that a type 3 of its own making answers', () => {
  const nonce = Buffer.from('0011223344556677', 'hex');
  const { flags: asked } = read('type1', composeType1());
  const challenge = read(
    'type2',
    composeType2({ asked, nonce, domain: 'CONTOSO', computer: 'EX1', now: Date.UTC(2026, 0) }),
  );
  expect(challenge.nonce).toEqual(nonce);
  const credentials = { user: 'anna', domain: 'CONTOSO', password: 'Pässword' };
  const answer = read('type3', composeType3({ challenge, credentials, clientNonce: Buffer.alloc(8, 7), now: 0 }));
  expect(answersNonce(answer, 'Pässword', nonce)).toBe(true);
  expect(answersNonce(answer, 'Pässword', Buffer.alloc(8))).toBe(false);
});

it('calls bytes that are no NTLM message bad, whatever they are', () => {
  const wire = seen.map((tokens) => decode(tokens.type3));
  fc.assert(
    fc.property(fc.constantFrom(...wire), fc.nat(), fc.nat(255), fc.nat(), (message, at, value, cut) => {
      const bytes = Buffer.from(message.subarray(0, cut % (message.length + 1)));
      if (bytes.length > 0) bytes[at % bytes.length] = value;
      expect(['type1', 'type2', 'type3', 'bad']).toContain(readNtlm(bytes).kind);
    }),
  );
  expect(readNtlm(Buffer.from('Negotiate'))).toMatchObject({ kind: 'bad' });
});
