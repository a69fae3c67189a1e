// Room: new rules in place of the old ones while the edge serves: what changes at once, what goes on to its end, what is left behind.

import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { RuleSet } from '@outrigger/rules';
import { createAuthority, type Leaf } from '@outrigger/tools/certs';
import { freePort } from '@outrigger/tools/daemons';
import { expectResponse, type Wire } from '@outrigger/tools/wire';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  answer,
  type Proxy as Edge,
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

const files = new Map<string, string>();
const readFile = readerOf(files);
let old: Leaf;
let renewed: Leaf;
let authority: string;
beforeAll(async () => {
  const issuer = await createAuthority();
  authority = issuer.certPem;
  old = await issuer.issue({ names: ['a.test'] });
  renewed = await issuer.issue({ names: ['a.test'] });
});
const lay = (leaf: Leaf): unknown => files.set('crt', leaf.certPem).set('key', leaf.keyPem).set('ca', authority);

const secure = (port: number, settings = ''): string =>
  simpleRules(port, '', `tls: { certificates: [{ cert: crt, key: key }]${settings} }`);

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;
async function page(wire: Wire, path = '/'): Promise<string> {
  await wire.send(get(path));
  const { status, body } = await expectResponse(wire);
  return status === 200 ? body.toString() : String(status);
}
async function reloaded({ edge }: Edge, rules: string | RuleSet, grace?: number): Promise<void> {
  const result = await edge.reload(typeof rules === 'string' ? rulesOf(rules) : rules, grace);
  expect(result).toMatchObject({ kind: 'reloaded' });
}
const denying = (rules: string, path: string): string =>
  rules.replace('access: [', `access: [{ deny: { path: { prefix: ${path} } } }, `);

/** Opens a tunnel and gives both ends of it. */
async function tunnel(proxy: Edge, head: Promise<unknown>, options = {}): Promise<Wire> {
  const wire = await proxy.wire(options);
  await wire.send('RPC_IN_DATA /rpc/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1073741824\r\n\r\nPDU');
  await head;
  return wire;
}

/** A server of tunnels: counts the bytes behind each head. */
function sink() {
  const bytes: string[] = [];
  let begun: () => void = () => {};
  const first = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const serve: Parameters<typeof stage.server>[0] = async ({ inlet, ...connection }) => {
    await nextHead({ inlet });
    begun();
    for (let some = await inlet.some(PATIENCE); some.kind === 'bytes'; some = await inlet.some(PATIENCE)) {
      bytes.push(some.bytes.toString());
    }
    connection.finish();
  };
  return { serve, first, bytes: () => bytes.join('') };
}

describe('a reload', () => {
  it('judges the next head of a connection by the new rules, and leaves a tunnel to its end under the old ones', async () => {
    const { serve, first, bytes } = sink();
    const tunnels = await stage.server(serve);
    const pages = await stage.server(echoing('one'));
    const proxy = await stage.proxy(simpleRules(tunnels));
    const channel = await tunnel(proxy, first);
    await reloaded(proxy, simpleRules(pages));
    const kept = await proxy.wire();
    expect(await page(kept)).toBe('one 1 /');
    await reloaded(proxy, denying(simpleRules(pages), '/'));
    expect(await page(kept)).toBe('403');
    await channel.send('more');
    await expect.poll(bytes).toBe('PDUmore');
  });

  it('keeps a connection to an upstream that has not changed, and what was logged on with it', async () => {
    const port = await stage.server(echoing('one'));
    const proxy = await stage.proxy(simpleRules(port));
    const wire = await proxy.wire();
    expect(await page(wire, '/a')).toBe('one 1 /a');
    await reloaded(proxy, `# a line more\n${denying(simpleRules(port), '/ecp')}`);
    expect(await page(wire, '/b')).toBe('one 1 /b');
    await reloaded(proxy, simpleRules(port, 'frontEndHttps: true'));
    expect(await page(wire, '/c')).toBe('one 2 /c');
  });

  it('keeps the login of a connection in the rewrite lane as well', async () => {
    const port = await stage.server(echoing('one'));
    const rewriting = (rules: string): string =>
      rules.replace('{ to: one }', '{ to: one, rewrite: { cookiePath: [{ from: /a, to: /b }] } }');
    const proxy = await stage.proxy(rewriting(simpleRules(port)));
    const wire = await proxy.wire();
    expect(await page(wire, '/a')).toBe('one 1 /a');
    await reloaded(proxy, denying(rewriting(simpleRules(port)), '/ecp'));
    expect(await page(wire, '/b')).toBe('one 1 /b');
    await reloaded(proxy, `${rewriting(simpleRules(port))}limits: { head: 64KiB }\n`);
    expect(await page(wire, '/c')).toBe('one 2 /c');
  });

  it('lets a request under way end by the rules it began with', async () => {
    const held = heldAnswer();
    const proxy = await stage.proxy(simpleRules(await stage.server(held.serve)));
    const wire = await proxy.wire();
    await wire.send(get('/'));
    await held.begun;
    await reloaded(proxy, denying(simpleRules(1), '/'));
    held.go();
    expect((await expectResponse(wire)).body.toString()).toBe('finished');
    expect(await page(wire)).toBe('403');
  });

  it('refuses no connection while rules change again and again', async () => {
    lay(old);
    const port = await stage.server(echoing('one'));
    const proxy = await stage.proxy(secure(port), readFile);
    let reloading = true;
    let served = 0;
    const visit = async (): Promise<void> => {
      while (reloading) {
        const wire = await proxy.wire({ tls: { rejectUnauthorized: false } });
        expect(await page(wire)).toMatch(/^one/);
        served += 1;
        await wire.close();
      }
    };
    const visitors = [visit(), visit(), visit(), visit()];
    for (let round = 0; round < 20; round += 1) {
      lay(round % 2 === 0 ? renewed : old);
      await reloaded(proxy, denying(secure(port), `/${round}`));
      const before = served;
      await expect.poll(() => served, { timeout: PATIENCE, interval: 2 }).toBeGreaterThan(before);
    }
    reloading = false;
    await Promise.all(visitors);
    expect(proxy.records.filter((record) => record.kind === 'notice')).toEqual([]);
  });
});

describe('certificates', () => {
  it('shows a renewed one to new handshakes while a tunnel that began with the old one lives on', async () => {
    lay(old);
    const { serve, first, bytes } = sink();
    const port = await stage.server(serve);
    const proxy = await stage.proxy(secure(port), readFile);
    const shown = async (): Promise<string> => {
      const wire = await proxy.wire({ tls: { servername: 'a.test', ca: authority } });
      return `-----BEGIN CERTIFICATE-----\n${wire.tls?.serverCertificate
        .toString('base64')
        .match(/.{1,64}/g)
        ?.join('\n')}`;
    };
    const tls = { servername: 'a.test', ca: authority };
    const channel = await tunnel(proxy, first, { tls });
    expect(old.certPem).toContain(await shown());
    lay(renewed);
    await reloaded(proxy, secure(port));
    expect(renewed.certPem).toContain(await shown());
    await channel.send('more');
    await expect.poll(bytes).toBe('PDUmore');
  });

  it('is not resumed from a session made with the old one: a login would be bound to it', async () => {
    lay(old);
    const proxy = await stage.proxy(secure(await stage.server(echoing('one'))), readFile);
    const handshake = async (session?: Buffer): Promise<{ resumed: boolean; session: Buffer }> => {
      const options = {
        port: proxy.port,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        maxVersion: 'TLSv1.2',
      } as const;
      const socket: TLSSocket = connectTls({ ...options, ...(session && { session }) });
      await once(socket, 'secureConnect');
      const result = { resumed: socket.isSessionReused(), session: socket.getSession() ?? Buffer.alloc(0) };
      socket.destroy();
      return result;
    };
    const first = await handshake();
    expect(await handshake(first.session)).toMatchObject({ resumed: true });
    lay(renewed);
    await reloaded(proxy, secure(1));
    expect(await handshake(first.session)).toMatchObject({ resumed: false });
  });

  it('closes connections that were let in without one where it is required now, handshakes under way among them', async () => {
    lay(old);
    const port = await stage.server(echoing('one'));
    const proxy = await stage.proxy(secure(port), readFile);
    const tls = { rejectUnauthorized: false };
    const idle = await proxy.wire({ tls });
    expect(await page(idle)).toBe('one 1 /');
    const raw = connectTcp({ port: proxy.port, host: '127.0.0.1' });
    await once(raw, 'connect');
    await expect.poll(() => proxy.edge.connections()).toBe(2);
    await reloaded(proxy, secure(port, ', clientCertificates: { ca: ca }'));
    expect((await idle.inlet.rest(PATIENCE)).bytes.length).toBe(0);
    idle.finish();
    const late = connectTls({ socket: raw, ...tls });
    late.on('error', () => {});
    late.write(get('/'));
    const [ended] = await Promise.all([once(late, 'end'), late.resume()]);
    expect(ended).toEqual([]);
    late.destroy();
    await expect.poll(() => proxy.records.filter(({ kind }) => kind === 'request')).toHaveLength(1);
  });

  it('sends clients of HTTP/2 away politely: what they were granted may hold no more', async () => {
    lay(old);
    const port = await stage.server(echoing('one'));
    const plain = secure(port).replace('rpcOverHttp: true', 'rpcOverHttp: false');
    const proxy = await stage.proxy(plain, readFile);
    const session = connectHttp2(`https://127.0.0.1:${proxy.port}`, { servername: 'a.test', ca: authority });
    await once(session, 'connect');
    const goneAway = once(session, 'goaway');
    await reloaded(proxy, secure(port));
    await goneAway;
    await once(session, 'close');
  });
});

describe('rules that cannot be served', () => {
  it('change nothing, and open nothing', async () => {
    lay(old);
    const port = await stage.server(echoing('one'));
    const proxy = await stage.proxy(secure(port), readFile);
    const taken = await stage.server(() => {});
    const free = await freePort();
    const two = (second: string): string =>
      denying(secure(port), '/').replace('listen: [', `listen: [{ address: '127.0.0.1:${free}' }, ${second}`);
    const missing = secure(port).replace('cert: crt', 'cert: nowhere');
    expect(await proxy.edge.reload(rulesOf(missing))).toMatchObject({
      kind: 'failed',
      problems: [{ code: 'FILE_UNREADABLE' }],
    });
    expect(await proxy.edge.reload(rulesOf(two(`{ address: '127.0.0.1:${taken}' }, `)))).toMatchObject({
      kind: 'failed',
      problems: [{ code: 'ADDRESS_IN_USE' }],
    });
    await expect(proxy.wire({ port: free })).rejects.toThrow('ECONNREFUSED');
    expect(await page(await proxy.wire({ tls: { rejectUnauthorized: false } }))).toBe('one 1 /');
  });
});

describe('listeners', () => {
  const on = (first: number, rules: string, ...addresses: string[]): string =>
    rules.replace("'127.0.0.1:0'", [`'127.0.0.1:${first}'`, ...addresses].join(' }, { address: '));

  it('open where they are new, and close where they are gone, with grace for what is under way', async () => {
    const held = heldAnswer();
    const rules = simpleRules(await stage.server(held.serve));
    const [first, second] = [await freePort(), await freePort()];
    const proxy = await stage.proxy(on(first, rules));
    const [busy, idle] = [await proxy.wire(), await proxy.wire()];
    await busy.send(get('/'));
    await held.begun;
    const result = await proxy.edge.reload(rulesOf(on(second, rules)), PATIENCE);
    expect(result).toEqual({ kind: 'reloaded', opened: [`127.0.0.1:${second}`], closed: [`127.0.0.1:${first}`] });
    expect(proxy.edge.addresses).toEqual([{ listener: `127.0.0.1:${second}`, host: '127.0.0.1', port: second }]);
    await expect(proxy.wire()).rejects.toThrow('ECONNREFUSED');
    expect((await idle.inlet.rest(PATIENCE)).bytes.length).toBe(0);
    idle.finish();
    held.go();
    expect((await expectResponse(busy)).body.toString()).toBe('finished');
    busy.finish();
    await expect.poll(() => proxy.edge.connections()).toBe(0);
    expect((await proxy.wire({ port: second })).localPort).toBeGreaterThan(0);
  });

  it('end what is under way when the grace is over', async () => {
    const { serve, first } = sink();
    const rules = simpleRules(await stage.server(serve));
    const proxy = await stage.proxy(on(await freePort(), rules));
    const channel = await tunnel(proxy, first);
    await reloaded(proxy, on(await freePort(), rules), 50);
    expect((await channel.inlet.rest(PATIENCE)).kind).not.toBe('late');
    await expect.poll(() => proxy.edge.connections()).toBe(0);
  });

  it('go on under another name, and for connections that were there before', async () => {
    const port = await stage.server(echoing('one'));
    const first = await freePort();
    const named = (name: string): string => on(first, simpleRules(port)).replace(' }]', `, name: ${name} }]`);
    const proxy = await stage.proxy(named('red'));
    const wire = await proxy.wire();
    await page(wire, '/a');
    await reloaded(proxy, named('blue').replace('allow: {}', 'allow: { listeners: blue }'));
    expect(await page(wire, '/b')).toBe('one 1 /b');
    expect((await proxy.request('/b')).listener).toBe('blue');
  });
});

describe('what is known of servers and clients', () => {
  it('stays for an upstream that has not changed, begins anew for one that has, and ends for one that is gone', async () => {
    const asked: string[] = [];
    let well = false;
    const port = await stage.server(async (connection) => {
      asked.push(await nextHead(connection));
      await connection.send(well ? answer('fine') : Buffer.from('HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n'));
      connection.finish();
    });
    const health = (path: string): string => simpleRules(port, `health: { path: ${path}, interval: 1h }`);
    const proxy = await stage.proxy(health('/one'));
    await proxy.notice('SERVER_DOWN');
    well = true;
    await reloaded(proxy, denying(health('/one'), '/ecp'));
    expect(asked).toHaveLength(1);
    await reloaded(proxy, health('/two'));
    await expect.poll(() => asked.length).toBe(2);
    expect(asked[1]).toContain('GET /two ');
    await reloaded(proxy, simpleRules(port));
    expect(asked).toHaveLength(2);
  });

  it('counts connections that are open against a limit that is new', async () => {
    const proxy = await stage.proxy(simpleRules(await stage.server(echoing('one'))));
    const wires = [await proxy.wire(), await proxy.wire()];
    for (const wire of wires) await page(wire);
    await reloaded(proxy, `${simpleRules(1)}limits: { connectionsPerClient: 2 }\n`);
    const third = await proxy.wire();
    expect((await third.inlet.rest(PATIENCE)).kind).not.toBe('late');
    await proxy.notice('TOO_MANY_CONNECTIONS');
  });
});

it('leaves nothing of ten generations but the last: no socket, no timer, no rules', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  lay(old);
  const port = await stage.server(echoing('one'));
  const proxy = await stage.proxy(secure(port), readFile);
  const wire = await proxy.wire({ tls: { rejectUnauthorized: false } });
  await page(wire);
  const before = process.getActiveResourcesInfo().filter((kind) => /TCP|TLS/.test(kind)).length;
  const generations: WeakRef<RuleSet>[] = [];
  for (let round = 0; round < 10; round += 1) {
    lay(round % 2 === 0 ? renewed : old);
    const rules = rulesOf(denying(secure(port, ', minVersion: "1.2"'), `/${round}`));
    generations.push(new WeakRef(rules));
    await reloaded(proxy, rules);
    await page(wire);
  }
  expect(process.getActiveResourcesInfo().filter((kind) => /TCP|TLS/.test(kind))).toHaveLength(before);
  await expect
    .poll(
      () => {
        collect();
        return generations.filter((reference) => reference.deref() !== undefined).length;
      },
      { timeout: PATIENCE },
    )
    .toBe(1);
});
