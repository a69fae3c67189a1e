// Room: what is checked of the certificate of a server, what is offered to it, and what the rules say of either.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, type Leaf } from '@outrigger/tools/certs';
import { expectResponse } from '@outrigger/tools/wire';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { echoing, openStage, simpleRules } from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());
const folder = mkdtempSync(join(tmpdir(), 'outrigger-authorities-'));
afterAll(() => rmSync(folder, { recursive: true }));

function secureRules(port: number, tls: string): string {
  return simpleRules(port, `tls: ${tls}`).replace('http://127', 'https://127');
}

describe('TLS towards a server', async () => {
  const [authority, stranger] = await Promise.all([createAuthority(), createAuthority()]);
  const names = ['mail.a.test'];
  const good = await authority.issue({ names, keyType: 'rsa' });
  const shown: Readonly<Record<string, Leaf>> = {
    good,
    wrongName: await authority.issue({ names: ['other.test'] }),
    expired: await authority.issue({ names, expired: true }),
    unknown: await stranger.issue({ names }),
    unknownWrongName: await stranger.issue({ names: ['other.test'] }),
    unknownExpired: await stranger.issue({ names, expired: true }),
    revoked: await authority.issue({ names }),
  };
  const revoked = shown.revoked === undefined ? [] : [shown.revoked];
  const files: Readonly<Record<string, string>> = {
    'ca.pem': authority.certPem,
    'crl.pem': await authority.revoke(revoked),
    'old.pem': await authority.revoke(revoked, true),
    'other.pem': await stranger.revoke([]),
    'both.pem': (await stranger.revoke([])) + (await authority.revoke(revoked)),
    '/etc/ssl/certs/ca-certificates.crt': stranger.certPem,
  };
  for (const [name, text] of [
    ['00000000.0', authority.certPem],
    ['00000000.r0', await authority.revoke(revoked)],
    ['README', 'no certificate'],
  ] as const)
    writeFileSync(join(folder, name), text);
  const readFile = (path: string): Buffer => {
    const text = path.startsWith(folder)
      ? { '0': authority.certPem, r0: files['crl.pem'] }[path.split('.').at(-1) ?? '']
      : files[path];
    if (text === undefined) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
    return Buffer.from(text);
  };

  /** Status, and the code of the log, of a request to a server that shows `leaf`. */
  async function asked(leaf: Leaf | undefined, settings: string): Promise<string> {
    const port = await stage.server(echoing('one'), { cert: leaf?.certPem ?? '', key: leaf?.keyPem ?? '' });
    const proxy = await stage.proxy(secureRules(port, settings), readFile);
    const said: string[] = [];
    // Twice: what was refused must not be resumed, and what was taken may be.
    for (let round = 0; round < 2; round++) {
      const wire = await proxy.wire();
      await wire.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
      const { status } = await expectResponse(wire);
      await wire.close();
      said.push(status === 200 ? 'taken' : String(proxy.records.at(-1)?.code));
    }
    expect(new Set(said).size).toBe(1);
    return said[0] ?? '';
  }

  const NAMED = 'ca: ca.pem, serverName: mail.a.test';
  it.each([
    [`{ ${NAMED} }`, 'good', 'taken'],
    [`{ ${NAMED} }`, 'wrongName', 'UPSTREAM_CERT_NAME'],
    [`{ ${NAMED} }`, 'expired', 'UPSTREAM_CERT_EXPIRED'],
    [`{ ${NAMED} }`, 'unknown', 'UPSTREAM_CERT_AUTHORITY_UNKNOWN'],
    [`{ ${NAMED}, verify: authority }`, 'wrongName', 'taken'],
    [`{ ${NAMED}, verify: authority }`, 'expired', 'UPSTREAM_CERT_EXPIRED'],
    [`{ ${NAMED}, verify: authority }`, 'unknown', 'UPSTREAM_CERT_AUTHORITY_UNKNOWN'],
    ['{ serverName: mail.a.test, verify: [name, dates] }', 'unknown', 'taken'],
    ['{ serverName: mail.a.test, verify: [name, dates] }', 'unknownWrongName', 'UPSTREAM_CERT_NAME'],
    ['{ serverName: mail.a.test, verify: [name, dates] }', 'unknownExpired', 'UPSTREAM_CERT_EXPIRED'],
    ['{ serverName: mail.a.test, verify: name }', 'unknownExpired', 'taken'],
    ['{ verify: dates }', 'unknownWrongName', 'taken'],
    ['{ verify: dates }', 'expired', 'UPSTREAM_CERT_EXPIRED'],
    ['{ verify: false }', 'unknownExpired', 'taken'],
    [`{ ${NAMED}, crl: crl.pem }`, 'good', 'taken'],
    [`{ ${NAMED}, crl: crl.pem }`, 'revoked', 'UPSTREAM_CERT_REVOKED'],
    [`{ ${NAMED}, crl: both.pem }`, 'revoked', 'UPSTREAM_CERT_REVOKED'],
    [`{ ${NAMED}, crl: old.pem }`, 'good', 'UPSTREAM_CRL'],
    [`{ ${NAMED}, crl: other.pem }`, 'good', 'UPSTREAM_CRL'],
    [`{ ca: '${folder}', crl: '${folder}', serverName: mail.a.test }`, 'good', 'taken'],
    [`{ ca: '${folder}', crl: '${folder}', serverName: mail.a.test }`, 'revoked', 'UPSTREAM_CERT_REVOKED'],
    ['{ ca: [system, ca.pem], serverName: mail.a.test }', 'good', 'taken'],
    ['{ ca: [system, ca.pem], serverName: mail.a.test }', 'unknown', 'taken'],
    // The store of the machine is what Node's own is for others, and it holds the stranger here.
    ['{ serverName: mail.a.test }', 'unknown', 'taken'],
    ['{ serverName: mail.a.test }', 'good', 'UPSTREAM_CERT_AUTHORITY_UNKNOWN'],
    // Of several names the Host of the request chooses, and no other.
    ['{ ca: ca.pem, serverName: [mail.a.test, a.test] }', 'good', 'UPSTREAM_CERT_NAME'],
    ['{ ca: ca.pem, serverName: [mail.a.test, b.test] }', 'good', 'taken'],
  ])('with %s a certificate that is %s: %s', async (settings, kind, verdict) => {
    expect(await asked(shown[kind], settings)).toBe(verdict);
  });

  it.each([
    ["{ verify: false, maxVersion: '1.2' }", 'TLSv1.2'],
    ["{ verify: false, minVersion: '1.3' }", 'TLSv1.3'],
    ["{ verify: false, minVersion: '1.1', maxVersion: '1.1' }", 'TLSv1.1'],
    [
      "{ verify: false, maxVersion: '1.2', ciphers: ECDHE-RSA-AES256-GCM-SHA384 }",
      'TLSv1.2 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
    ],
    ["{ verify: false, ciphers: 'TLS_AES_128_GCM_SHA256:DEFAULT' }", 'TLSv1.3 TLS_AES_128_GCM_SHA256'],
  ])('speaks with %s as it says: %s', async (settings, spoken) => {
    const options = { cert: good.certPem, key: good.keyPem, minVersion: 'TLSv1' as const, ciphers: 'ALL:@SECLEVEL=0' };
    const port = await stage.server(
      (connection) => echoing(`${connection.tls?.protocol} ${connection.tls?.cipher}`)(connection),
      options,
    );
    const wire = await (await stage.proxy(secureRules(port, settings))).wire();
    await wire.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    expect((await expectResponse(wire)).body.toString()).toMatch(new RegExp(`^${spoken}`));
  });

  it.each([
    ['{ ciphers: NO-SUCH-CIPHER }', /NO-SUCH-CIPHER, the ciphers of upstream one/],
    ['{ ca: /nowhere/ca.pem }', /\/nowhere\/ca.pem cannot be read/],
    ['{ ca: crl.pem }', /crl.pem holds no certificate/],
    ['{ crl: ca.pem }', /ca.pem holds no revocation list/],
  ])('says at the start what is wrong with %s', async (settings, message) => {
    await expect(stage.proxy(secureRules(1, settings), readFile)).rejects.toThrow(message);
  });
});
