// Room: PKCS#12 files as OpenSSL writes them, shown by a listener and to a server.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority } from '@outrigger/tools/certs';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { expectResponse } from '@outrigger/tools/wire';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadKeyPair, type PemReader } from './pem.ts';
import { answer, nextHead, openStage, simpleRules } from './testing/stage.ts';

const openssl = daemonOrSkip('openssl');
const stage = openStage();
afterEach(() => stage.close());

let folder: string;
let authority: string;
const place = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pkcs12-'));
  if (openssl === undefined) return;
  const issuer = await createAuthority();
  authority = issuer.certPem;
  const leaf = await issuer.issue({ names: ['a.test', '*.b.test'] });
  writeFileSync(place('crt'), leaf.certPem);
  writeFileSync(place('key'), leaf.keyPem);
  writeFileSync(place('pass'), 'sé cret\n');
  writeFileSync(place('wrong'), 'secret\n');
  const pack = (name: string, passphrase: string, ...options: string[]): unknown =>
    execFileSync(
      openssl,
      ['pkcs12', '-export', '-in', 'crt', '-inkey', 'key', '-out', name, '-passout', `pass:${passphrase}`, ...options],
      { cwd: folder, stdio: 'pipe' },
    );
  pack('new.pfx', 'sé cret');
  pack('open.pfx', '');
  pack('weak.pfx', 'sé cret', '-legacy');
  execFileSync(
    openssl,
    ['pkcs12', '-export', '-nokeys', '-in', 'crt', '-out', 'keyless.pfx', '-passout', 'pass:sé cret'],
    { cwd: folder, stdio: 'pipe' },
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(pkcs12: string, passphraseFile?: string) {
  const reader: PemReader = { readFile: readFileSync, now: Date.now(), warn() {} };
  const files = { pkcs12: place(pkcs12), ...(passphraseFile && { passphraseFile: place(passphraseFile) }) };
  return loadKeyPair(files, reader);
}

describe.skipIf(openssl === undefined)('a PKCS#12 file', () => {
  it('gives certificate, names and key', () => {
    expect(load('new.pfx', 'pass')).toMatchObject({ kind: 'pair', pair: { names: ['a.test', '*.b.test'] } });
    expect(load('open.pfx').kind).toBe('pair');
  });

  it.each([
    ['new.pfx', undefined, 'PASSPHRASE_WRONG'],
    ['new.pfx', 'wrong', 'PASSPHRASE_WRONG'],
    ['weak.pfx', 'pass', 'PKCS12_UNUSABLE'],
    ['keyless.pfx', 'pass', 'PKCS12_UNUSABLE'],
    ['crt', 'pass', 'PKCS12_UNUSABLE'],
    ['missing', 'pass', 'FILE_UNREADABLE'],
  ])('%s with passphrase file %s ends the start with %s', (name, passphraseFile, code) => {
    expect(load(name, passphraseFile)).toMatchObject({ kind: 'bad', problem: { code } });
  });

  it('is shown to clients and to servers', async () => {
    const leaf = { cert: readFileSync(place('crt'), 'utf8'), key: readFileSync(place('key'), 'utf8') };
    const seen: unknown[] = [];
    const port = await stage.server(
      async (connection) => {
        seen.push(connection.tls);
        await nextHead(connection);
        await connection.send(answer('let in'));
        connection.finish();
      },
      { ...leaf, ca: authority, requestCert: true, rejectUnauthorized: true },
    );
    const pair = `pkcs12: ${place('new.pfx')}, passphraseFile: ${place('pass')}`;
    const rules = simpleRules(
      port,
      `tls: { verify: false, certificate: { ${pair} } }`,
      `tls: { certificates: [{ ${pair} }] }`,
    ).replace('http://', 'https://');
    const proxy = await stage.proxy(rules);
    const wire = await proxy.wire({ tls: { servername: 'x.b.test', ca: authority } });
    await wire.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    expect((await expectResponse(wire)).body.toString()).toBe('let in');
  });
});
