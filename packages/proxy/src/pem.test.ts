import { createPrivateKey } from 'node:crypto';
import { createAuthority, type Leaf } from '@outrigger/tools/certs';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadKeyPair, type PemReader } from './pem.ts';

let leaf: Leaf;
let files: Record<string, string>;
beforeAll(async () => {
  leaf = await (await createAuthority()).issue({ names: ['a.test'] });
  const encrypted = (type: 'pkcs8' | 'sec1'): string =>
    createPrivateKey(leaf.keyPem)
      .export({ type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'sé cret' })
      .toString();
  files = {
    crt: leaf.certPem,
    key: leaf.keyPem,
    locked: encrypted('pkcs8'),
    lockedOld: encrypted('sec1'),
    pass: 'sé cret\n',
    passDos: 'sé cret\r\nsecond line',
    wrong: 'secret\n',
    empty: '',
  };
});

function load(names: { key?: string; passphraseFile?: string }) {
  const readFile = (path: string): Buffer => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return Buffer.from(text);
  };
  const reader: PemReader = { readFile, now: Date.now(), warn() {} };
  return loadKeyPair({ cert: 'crt', key: 'locked', ...names }, reader);
}

describe('a key with a passphrase', () => {
  it.each([
    { key: 'locked', passphraseFile: 'pass' },
    { key: 'locked', passphraseFile: 'passDos' },
    { key: 'lockedOld', passphraseFile: 'pass' },
    { key: 'key', passphraseFile: 'pass' },
  ])('is opened: %j', (names) => {
    const loaded = load(names);
    expect(loaded).toMatchObject({ kind: 'pair', pair: { names: ['a.test'] } });
  });

  it.each([
    [{}, 'KEY_UNUSABLE', /has a passphrase.*passphraseFile/],
    [{ key: 'lockedOld' }, 'KEY_UNUSABLE', /has a passphrase/],
    [{ passphraseFile: 'wrong' }, 'PASSPHRASE_WRONG', /does not open locked/],
    [{ passphraseFile: 'empty' }, 'PASSPHRASE_WRONG', /first line/],
    [{ passphraseFile: 'missing' }, 'FILE_UNREADABLE', /missing cannot be read/],
    [{ key: 'pass', passphraseFile: 'pass' }, 'KEY_UNUSABLE', /no private key/],
  ])('that does not open ends the start: %j is %s', (names, code, message) => {
    const loaded = load(names);
    expect(loaded).toMatchObject({ kind: 'bad', problem: { code, message: expect.stringMatching(message) } });
    expect(JSON.stringify(loaded)).not.toContain('secret');
  });
});
