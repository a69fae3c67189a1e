// Room: client certificates from the handshake to the fields a server gets, and what a client cannot say itself.
import { X509Certificate } from 'node:crypto';
import { connect as connectTls } from 'node:tls';
import { createAuthority, type Leaf } from '@outrigger/tools/certs';
import { expectResponse } from '@outrigger/tools/wire';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { certificateFields } from './clientcertificate.ts';
import { startEdge } from './edge.ts';
import { answer, nextHead, openStage, PATIENCE, readerOf, rulesOf, simpleRules } from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());

const files = new Map<string, string>();
const readFile = readerOf(files);
let friend: Leaf;
let stranger: Leaf;
let revoked: Leaf;

beforeAll(async () => {
  const [servers, clients, others] = [await createAuthority(), await createAuthority(), await createAuthority()];
  for (const name of ['a', 'b']) {
    const leaf = await servers.issue({ names: [`${name}.test`] });
    files.set(`${name}.crt`, leaf.certPem).set(`${name}.key`, leaf.keyPem);
  }
  files.set('clients.pem', clients.certPem).set('text', 'no PEM');
  friend = await clients.issue({ names: ['anna, of Contoso'] });
  stranger = await others.issue({ names: ['mallory'] });
  revoked = await clients.issue({ names: ['bert, late of Contoso'] });
  files.set('clients.crl', await clients.revoke([revoked]));
});

function rulesAsking(port: number, mode: string, ca = 'clients.pem, crl: clients.crl'): string {
  const certificates = '[{ cert: a.crt, key: a.key }, { cert: b.crt, key: b.key }]';
  const tls = `tls: { certificates: ${certificates}, clientCertificates: { ca: ${ca}, mode: ${mode} } }`;
  return simpleRules(port, '', tls);
}

async function asking(mode: string) {
  const heads: string[] = [];
  const port = await stage.server(async (connection) => {
    heads.push(await nextHead(connection));
    await connection.send(answer('x'));
    connection.finish();
  });
  const proxy = await stage.proxy(rulesAsking(port, mode), readFile);
  return { proxy, told: () => heads.map((head) => head.split('\r\n').filter((line) => /client.?cert/i.test(line))) };
}

const GET = 'GET /a HTTP/1.1\r\nHost: a.test\r\nX-Client-Cert-Verified: SUCCESS\r\nx_client_cert: evil\r\n\r\n';
const shown = (leaf: Leaf) => ({ cert: leaf.certPem, key: leaf.keyPem, rejectUnauthorized: false });

describe('a listener that requires a client certificate', () => {
  it.each(['a.test', 'b.test'])(
    'lets in who has one, under %s, and tells the server in its own words alone',
    async (servername) => {
      const { proxy, told } = await asking('require');
      const wire = await proxy.wire({ tls: { ...shown(friend), servername } });
      await wire.send(GET);
      expect((await expectResponse(wire)).status).toBe(200);
      expect(told()).toEqual([
        [
          'X-Client-Cert-Verified: SUCCESS',
          'X-Client-Cert-Subject: CN=anna\\, of Contoso',
          expect.stringMatching(/^X-Client-Cert: -----BEGIN%20CERTIFICATE-----%0A[\w%.~-]+$/),
        ],
      ]);
      const pem = decodeURIComponent(told()[0]?.[2]?.slice('X-Client-Cert: '.length) ?? '');
      expect(new X509Certificate(pem).raw.equals(new X509Certificate(friend.certPem).raw)).toBe(true);
    },
  );

  it.each([
    ['nobody', 'TLSv1.3'],
    ['nobody', 'TLSv1.2'],
    ['stranger', 'TLSv1.3'],
    ['stranger', 'TLSv1.2'],
    ['revoked', 'TLSv1.3'],
    ['revoked', 'TLSv1.2'],
  ] as const)('keeps out %s, over %s, and says why', async (who, version) => {
    const { proxy, told } = await asking('require');
    const leaf = who === 'revoked' ? revoked : stranger;
    const options = who === 'nobody' ? { rejectUnauthorized: false } : shown(leaf);
    for (const servername of ['a.test', 'b.test']) {
      // In TLS 1.2 the client's handshake ends with ours, and fails with it.
      const wire = await proxy.wire({ tls: { ...options, servername, maxVersion: version } }).catch(() => undefined);
      if (wire === undefined) continue;
      await wire.send(GET);
      expect((await wire.inlet.rest(PATIENCE)).bytes.length).toBe(0);
    }
    expect((await proxy.notice('TLS_CLIENT_CERTIFICATE')).client).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(told()).toEqual([]);
  });
});

describe('a listener that requests one', () => {
  it('tells servers that none was shown, or which one did not hold', async () => {
    const { proxy, told } = await asking('request');
    for (const tls of [{ rejectUnauthorized: false }, shown(stranger)]) {
      const wire = await proxy.wire({ tls });
      await wire.send(GET);
      expect((await expectResponse(wire)).status).toBe(200);
    }
    const [none, failed] = told();
    expect(none).toEqual(['X-Client-Cert-Verified: NONE']);
    expect(failed?.slice(0, 2)).toEqual([
      expect.stringMatching(/^X-Client-Cert-Verified: FAILED:[A-Z_]+$/),
      'X-Client-Cert-Subject: CN=mallory',
    ]);
  });

  it.each([
    ['nobody', 'TLSv1.3', 'NONE'],
    ['nobody', 'TLSv1.2', 'NONE'],
    ['friend', 'TLSv1.3', 'SUCCESS'],
    ['friend', 'TLSv1.2', 'SUCCESS'],
    ['stranger', 'TLSv1.3', 'FAILED'],
  ] as const)('is not deceived by the session of %s resumed over %s', async (who, maxVersion, verified) => {
    const { proxy, told } = await asking('request');
    const leaf = { friend, stranger, nobody: undefined }[who];
    const options = { ...(leaf ? shown(leaf) : { rejectUnauthorized: false }), servername: 'b.test', maxVersion };
    let session: Buffer | undefined;
    const reused: boolean[] = [];
    for (let round = 0; round < 2; round += 1) {
      const socket = connectTls({ host: '127.0.0.1', port: proxy.port, ...options, ...(session && { session }) });
      socket.on('session', (ticket: Buffer) => {
        session = ticket;
      });
      socket.write(GET);
      await new Promise((resolve) => socket.once('data', resolve));
      reused.push(socket.isSessionReused());
      await new Promise((resolve) => socket.once('close', resolve).destroy());
    }
    expect(reused).toEqual([false, true]);
    for (const lines of told()) expect(lines[0]).toContain(`X-Client-Cert-Verified: ${verified}`);
    expect(told().length).toBe(2);
  });
});

it('removes a client’s own claims also where no certificate is asked for', async () => {
  const heads: string[] = [];
  const port = await stage.server(async (connection) => {
    heads.push(await nextHead(connection));
    await connection.send(answer('x'));
    connection.finish();
  });
  const proxy = await stage.proxy(simpleRules(port));
  const wire = await proxy.wire();
  await wire.send(
    GET.replace('\r\n\r\n', '\r\nX-Client-Cert_Subject: CN=x\r\nX.CLIENT.CERT: y\r\nX-Client-Certs: stays\r\n\r\n'),
  );
  await expectResponse(wire);
  expect(heads[0]?.match(/^x.client.*$/gim)).toEqual(['X-Client-Certs: stays']);
});

it('writes a name as RFC 4514 does, in ASCII', () => {
  const subject = 'C=DE\nO=Müller\\, Söhne\nCN=x';
  const certificate = { subject, toString: () => 'PEM' } as X509Certificate;
  expect(certificateFields({ certificate, authorized: true, reason: '' })).toContainEqual([
    'X-Client-Cert-Subject',
    'CN=x,O=M\\C3\\BCller\\, S\\C3\\B6hne,C=DE',
  ]);
});

it.each(['text', 'missing'])('does not start with authorities in %s', async (ca) => {
  const started = await startEdge({ rules: rulesOf(rulesAsking(1, 'require', ca)), report() {}, readFile });
  const code = ca === 'text' ? 'CERTIFICATE_UNUSABLE' : 'FILE_UNREADABLE';
  expect(started).toMatchObject({ kind: 'failed', problems: [{ code }] });
});
