import type { Accepted } from '@outrigger/tools/acceptor';
import { createAuthority, type Leaf } from '@outrigger/tools/certs';
import { expectResponse } from '@outrigger/tools/wire';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LogRecord } from './accesslog.ts';
import { startEdge } from './edge.ts';
import { reportExtendedProtection } from './extendedprotection.ts';
import {
  answer,
  echoing,
  heldAnswer,
  nextHead,
  openStage,
  PATIENCE,
  readerOf,
  rulesOf,
  simpleRules,
} from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());

const GET = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';

/** Files of the tests, by name. */
const files = new Map<string, string>();
const readFile = readerOf(files);
let first: Leaf;

beforeAll(async () => {
  const authority = await createAuthority();
  first = await authority.issue({ names: ['a.test', 'www.a.test'] });
  const second = await authority.issue({ names: ['*.b.test'] });
  const third = await authority.issue({ names: ['exact.b.test'] });
  for (const [name, leaf] of Object.entries({ first, second, third })) {
    files.set(`${name}.crt`, leaf.certPem);
    files.set(`${name}.key`, leaf.keyPem);
  }
  files.set('text', 'not PEM');
});

function secureRules(port: number, names = ['first', 'second', 'third'], settings = ''): string {
  const certificates = names.map((name) => `{ cert: ${name}.crt, key: ${name}.key }`).join(', ');
  const tls = `tls: { certificates: [${certificates}]${settings} }`;
  return simpleRules(port, '', tls);
}

const anyPeer = { rejectUnauthorized: false };

describe('TLS', () => {
  it.each([
    ['a.test', 'CN=a.test'],
    ['x.b.test', 'CN=*.b.test'],
    ['exact.b.test', 'CN=exact.b.test'],
    ['EXACT.B.TEST', 'CN=exact.b.test'],
    ['x.y.b.test', 'CN=a.test'],
    ['unknown.test', 'CN=a.test'],
    ['', 'CN=a.test'],
  ])('shows a client that asks for %j the certificate of %s', async (servername, subject) => {
    const proxy = await stage.proxy(secureRules(await stage.server(echoing('one'))), readFile);
    const wire = await proxy.wire({ tls: { ...anyPeer, servername } });
    const { X509Certificate } = await import('node:crypto');
    expect(new X509Certificate(wire.tls?.serverCertificate ?? '').subject).toBe(subject);
  });

  it('offers http/1.1 alone, and carries requests', async () => {
    const proxy = await stage.proxy(secureRules(await stage.server(echoing('one'))), readFile);
    const wire = await proxy.wire({ tls: { ...anyPeer, ALPNProtocols: ['h2', 'http/1.1'] } });
    expect(wire.tls?.alpn).toBe('http/1.1');
    await wire.send(GET);
    expect((await expectResponse(wire)).body.toString()).toBe('one 1 /');
  });

  it('holds to the versions of the rules, and says why a client could not come in', async () => {
    const proxy = await stage.proxy(secureRules(1, ['first'], ", minVersion: '1.3'"), readFile);
    await expect(proxy.wire({ tls: { ...anyPeer, maxVersion: 'TLSv1.2' } })).rejects.toThrow();
    const notice = await proxy.notice('TLS_NO_COMMON_VERSION');
    expect(notice.client).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it('says so where a client speaks plain HTTP to it', async () => {
    const proxy = await stage.proxy(secureRules(1, ['first']), readFile);
    const wire = await proxy.wire();
    await wire.send(GET);
    expect((await proxy.notice('TLS_PLAIN_HTTP')).message).toMatch(/Write https/);
    await expect.poll(() => proxy.edge.connections()).toBe(0);
  });

  it.each([
    ['an RPC method in plain HTTP', 'RPC_IN_DATA /rpc/x HTTP/1.1\r\nHost: a.test\r\n\r\n'],
    ['HTTP/2 in plain', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a PROXY header nobody announced', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 443\r\n'],
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['garbage', '\xff'.repeat(32)],
    ['an alert', '\x15\x03\x01\x00\x02\x02\x28'],
    ['a record that is too long', `\x16\x03\x01\xff\xff${'\x01'.repeat(32)}`],
  ])('says so where a client begins with %s', async (_, text) => {
    const proxy = await stage.proxy(secureRules(1, ['first']), readFile);
    const wire = await proxy.wire();
    await wire.send(Buffer.from(text, 'latin1'));
    expect((await proxy.notice('TLS_NOT_TLS')).message).toMatch(/a port of its own/);
    await expect.poll(() => proxy.edge.connections()).toBe(0);
  });

  it.each([
    ['cipher', { ciphers: 'ECDHE-RSA-AES256-GCM-SHA384', maxVersion: 'TLSv1.2' }],
    ['kind of signature', { sigalgs: 'rsa_pss_rsae_sha256' }],
  ] as const)('says so where a client has no %s in common with it', async (_, tls) => {
    const proxy = await stage.proxy(secureRules(1, ['first']), readFile);
    await expect(proxy.wire({ tls: { ...anyPeer, ...tls } })).rejects.toThrow();
    expect((await proxy.notice('TLS_NO_COMMON_CIPHER')).message).toMatch(/\. [A-Z]/);
  });

  it('resets under TLS, too, where the rules say so', async () => {
    const rules = secureRules(1, ['first']).replace('[{ allow: {} }]', '[{ deny: {}, answer: reset }]');
    const proxy = await stage.proxy(rules, readFile);
    const wire = await proxy.wire({ tls: anyPeer });
    await wire.send(GET);
    expect(await wire.inlet.rest(PATIENCE)).toMatchObject({ kind: 'failed', code: 'ECONNRESET' });
  });

  it('delivers what comes behind the close_notify of a client, with TLS on both legs', async () => {
    const serve = async (connection: Accepted): Promise<void> => {
      await nextHead(connection);
      await connection.inlet.whenOver();
      await connection.send(answer('late'));
      connection.finish();
    };
    const port = await stage.server(serve, { cert: first.certPem, key: first.keyPem });
    const rules = secureRules(port, ['first'])
      .replace('http://', 'https://')
      .replace('rpcOverHttp', 'tls: { verify: false }, rpcOverHttp');
    const proxy = await stage.proxy(rules, readFile);
    const wire = await proxy.wire({ tls: anyPeer });
    await wire.send(GET);
    wire.finish();
    expect((await wire.inlet.rest(PATIENCE)).bytes.toString()).toMatch(/late$/);
  });
});

describe('the start', () => {
  it.each([
    ['FILE_UNREADABLE', ['missing']],
    ['CERTIFICATE_UNUSABLE', ['broken']],
    ['KEY_UNUSABLE', ['keyless']],
    ['KEY_MISMATCH', ['mixed']],
  ])('fails with %s, as a value with a remedy', async (code, names) => {
    files.set('broken.crt', 'not PEM').set('broken.key', first.keyPem);
    files.set('keyless.crt', first.certPem).set('keyless.key', 'not PEM');
    files.set('mixed.crt', first.certPem).set('mixed.key', files.get('second.key') ?? '');
    const started = await startEdge({ rules: rulesOf(secureRules(1, names)), report() {}, readFile });
    expect(started).toMatchObject({ kind: 'failed', problems: [{ code }] });
  });

  it('reads each file once, for all who need it, and again at a reload', async () => {
    const read: string[] = [];
    const counting: typeof readFile = (path) => {
      read.push(path);
      return readFile(path);
    };
    const listen =
      "{ address: '127.0.0.1:0', name: NAME, tls: { certificates: [{ cert: first.crt, key: first.key }] } }";
    const upstream = 'exchange: { servers: [https://127.0.0.1:1], rpcOverHttp: true, tls: { ca: first.crt } }';
    const rules = rulesOf(
      `listen: [${listen.replace('NAME', 'one')}, ${listen.replace('NAME', 'two')}]
upstreams: { ${upstream} }
access: [{ allow: {} }]
routes: [{ to: exchange }]`,
    );
    const started = await startEdge({ rules, report() {}, readFile: counting });
    if (started.kind !== 'started') throw new Error('not started');
    const { edge } = started;
    await reportExtendedProtection({
      rules,
      report() {},
      cancel: new AbortController().signal,
      readFile: edge.readFile,
    });
    expect(read.sort()).toEqual(['first.crt', 'first.key']);
    await edge.reload(rules);
    expect(read.sort()).toEqual(['first.crt', 'first.crt', 'first.key', 'first.key']);
    await edge.close();
  });

  it('starts with a certificate that has expired, and says so', async () => {
    const now = (): number => Date.now() + 365 * 86_400_000;
    const records: LogRecord[] = [];
    const report = (record: LogRecord): unknown => records.push(record);
    const started = await startEdge({ rules: rulesOf(secureRules(1, ['first'])), report, readFile, now });
    expect(started.kind).toBe('started');
    if (started.kind === 'started') await started.edge.close();
    expect(records).toMatchObject([{ kind: 'notice', severity: 'warning', code: 'CERTIFICATE_EXPIRED' }]);
  });

  it('fails where the address is in use, and leaves no other listener open', async () => {
    await expect.poll(sockets).toEqual([]);
    const taken = await stage.server(() => {});
    const rules = simpleRules(1).replace('[{ address', `[{ address: '127.0.0.1:0' }, { address`);
    const twice = rules.replace(/'127.0.0.1:0' }]/, `'127.0.0.1:${taken}' }]`);
    const started = await startEdge({ rules: rulesOf(twice), report() {} });
    expect(started).toMatchObject({ kind: 'failed', problems: [{ code: 'ADDRESS_IN_USE' }] });
    await expect.poll(sockets).toEqual(['TCPServerWrap']); // of the stage
  });
});

describe('a client that leaves in the handshake', () => {
  it.each([
    ['a FIN before it began', Buffer.alloc(0), 'finish'],
    ['a FIN inside its first message', Buffer.from('16030100c8010000c40303', 'hex'), 'finish'],
    ['a reset', Buffer.from('16030100c8010000c40303', 'hex'), 'reset'],
  ] as const)('by %s is noticed at once, and named', async (_, bytes, leave) => {
    const proxy = await stage.proxy(secureRules(1, ['first']), readFile);
    const wire = await proxy.wire();
    await wire.send(bytes);
    await expect.poll(() => proxy.edge.connections()).toBe(1);
    wire[leave]();
    expect(await proxy.notice('TLS_LEFT')).toMatchObject({ client: `127.0.0.1:${wire.localPort}` });
    await expect.poll(() => proxy.edge.connections()).toBe(0);
  });
});

describe('the end', () => {
  it('closes idle connections at once and lets a request under way finish', async () => {
    const held = heldAnswer();
    const port = await stage.server(held.serve);
    const proxy = await stage.proxy(simpleRules(port));
    const [busy, idle] = [await proxy.wire(), await proxy.wire()];
    await busy.send(GET);
    await held.begun;
    const closed = proxy.edge.close(PATIENCE);
    expect((await idle.inlet.rest(PATIENCE)).kind).toBe('bytes');
    idle.finish();
    await expect(proxy.wire()).rejects.toThrow();
    held.go();
    expect((await expectResponse(busy)).body.toString()).toBe('finished');
    expect((await busy.inlet.rest(PATIENCE)).bytes.length).toBe(0);
    busy.finish();
    await closed;
    expect(proxy.edge.connections()).toBe(0);
  });

  it('ends a tunnel when the grace is over, and a second close does so at once', async () => {
    let tunnels = 0;
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      tunnels += 1;
      await connection.inlet.whenOver();
    });
    const proxy = await stage.proxy(simpleRules(port));
    const wires = [await proxy.wire(), await proxy.wire()];
    for (const wire of wires) {
      await wire.send('RPC_IN_DATA /rpc/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741824\r\n\r\nPDU');
    }
    await expect.poll(() => tunnels).toBe(2);
    const closed = proxy.edge.close(PATIENCE);
    expect((await wires[0]?.inlet.some(50))?.kind).toBe('late');
    await proxy.edge.close();
    await closed;
    expect(proxy.edge.connections()).toBe(0);
  });

  it('leaves no socket and no timer', async () => {
    await expect.poll(sockets).toEqual([]);
    const before = await timers();
    const port = await stage.server(echoing('one'));
    const proxy = await stage.proxy(secureRules(port, ['first']), readFile);
    const wires = await Promise.all([proxy.wire({ tls: anyPeer }), proxy.wire({ tls: anyPeer })]);
    for (const wire of wires) {
      await wire.send(GET);
      await expectResponse(wire);
    }
    const handshaking = await proxy.wire();
    await proxy.edge.close();
    await Promise.all([...wires, handshaking].map((wire) => wire.close()));
    await stage.close();
    await expect.poll(sockets).toEqual([]);
    expect(await timers()).toBe(before);
  });
});

/** Sockets that keep this process alive, servers and TLS among them. */
function sockets(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => /TCP|TLS/.test(kind));
}

/** Timers that keep it alive, once those of polling are gone; the test runner has some of its own. */
async function timers(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 50));
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}
