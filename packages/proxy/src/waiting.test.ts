import { connect as connectHttp2 } from 'node:http2';
import { createAuthority, type Leaf } from '@outrigger/tools/certs';
import { expectResponse, type Wire } from '@outrigger/tools/wire';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LogRecord } from './accesslog.ts';
import { echoing, openStage, PATIENCE, type Proxy as RunningProxy, rulesOf, simpleRules } from './testing/stage.ts';
import { createWaiting } from './waiting.ts';

/** Of the property test; another for other cases. */
const SEED = Number(process.env.OUTRIGGER_SEED ?? 41);

describe('connections that wait', () => {
  /** A limit with a clock of its own, and connections that say when they are closed. */
  function counted(waitingConnections: number) {
    const clock = { at: 1_000_000 };
    const records: LogRecord[] = [];
    const closed: string[] = [];
    const waiting = createWaiting(
      { waitingConnections },
      (record) => records.push(record),
      () => clock.at,
    );
    const come = (name: string, address = '192.0.2.1') => {
      const connection = { resetAndDestroy: () => closed.push(name) as never };
      waiting.enter(connection, address);
      return connection;
    };
    return { clock, records, closed, waiting, come };
  }

  it('make room in the order in which they came, beyond the limit', () => {
    const { closed, come } = counted(2);
    come('first');
    come('second');
    expect(closed).toEqual([]);
    come('third');
    come('fourth');
    expect(closed).toEqual(['first', 'second']);
  });

  it('make room for others where their client has most of them, however long a visitor waits', () => {
    const { closed, come } = counted(4);
    come('visitor', '198.51.100.7');
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) come(name, '192.0.2.1');
    come('another visitor', '2001:db8::1');
    expect(closed).toEqual(['a', 'b', 'c', 'd']);
  });

  it('make room in the order in which they came where each has a client of its own', () => {
    const { closed, come } = counted(2);
    for (const [index, name] of ['a', 'b', 'c', 'd'].entries()) come(name, `192.0.2.${index}`);
    expect(closed).toEqual(['a', 'b']);
  });

  it('are of one client in one IPv6 network', () => {
    const { closed, come } = counted(3);
    come('visitor', '2001:db8:0:1::1');
    for (const [index, name] of ['a', 'b', 'c'].entries()) come(name, `2001:db8:0:2::${index}`);
    expect(closed).toEqual(['a']);
  });

  it('count for their client in any order of coming and going as a look at all of them would say', () => {
    const step = fc.record({ client: fc.nat(4), leaves: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), (steps, limit) => {
        const { closed, waiting, come } = counted(limit);
        const there: { name: string; client: number; connection: ReturnType<typeof come> }[] = [];
        for (const [index, { client, leaves }] of steps.entries()) {
          const own = there.find((each) => each.client === client);
          if (leaves && own !== undefined) {
            waiting.leave(own.connection);
            there.splice(there.indexOf(own), 1);
            continue;
          }
          there.push({ name: `${index}`, client, connection: come(`${index}`, `192.0.2.${client}`) });
          const most = Math.max(...there.map((each) => there.filter((other) => other.client === each.client).length));
          const gone = there.filter(({ name }) => closed.includes(name));
          expect(gone).toHaveLength(there.length > limit ? 1 : 0);
          for (const one of gone) {
            const queue = there.filter((each) => each.client === one.client);
            expect([queue.length, queue[0]]).toEqual([most, one]);
            there.splice(there.indexOf(one), 1);
          }
        }
      }),
      { seed: SEED },
    );
  });

  it('wait no more once they have asked', () => {
    const { closed, waiting, come } = counted(2);
    waiting.leave(come('asked'));
    come('first');
    come('second');
    expect(closed).toEqual([]);
  });

  it('are known to have made room', () => {
    const { waiting, come } = counted(1);
    const [first, second] = [come('first'), come('second')];
    expect([waiting.madeRoom(first), waiting.madeRoom(second)]).toEqual([true, false]);
  });

  it('go by a lower limit from the next one on', () => {
    const { closed, waiting, come } = counted(4);
    for (const name of ['a', 'b', 'c', 'd']) come(name);
    waiting.heed({ waitingConnections: 2 });
    come('e');
    expect(closed).toEqual(['a', 'b', 'c']);
  });

  it('are told of once when room runs out, and once when there is room again', () => {
    const { clock, records, come, waiting } = counted(1);
    for (let number = 0; number < 500; number += 1) {
      clock.at += 10;
      come(`${number}`);
    }
    expect(records).toMatchObject([{ severity: 'warning', code: 'TOO_MANY_WAITING' }]);
    waiting.leave(come('last'));
    clock.at += 59_999;
    waiting.leave(come('visitor'));
    expect(records).toHaveLength(1);
    clock.at += 60_000;
    come('visitor');
    expect(records.slice(1)).toMatchObject([{ severity: 'note', code: 'WAITING_ENOUGH_ROOM' }]);
    expect(records[1]).toMatchObject({ message: expect.stringMatching(/; 500 were closed in 5 s/) });
    come('again');
    expect(records).toHaveLength(3);
  });
});

describe('the edge, where connections wait at its limit,', () => {
  const stage = openStage();
  afterEach(() => stage.close());

  let leaf: Leaf;
  beforeAll(async () => {
    leaf = await (await createAuthority()).issue({ names: ['a.test'] });
  });

  const GET = 'GET /page HTTP/1.1\r\nHost: a.test\r\n\r\n';
  const tls = { servername: 'a.test', rejectUnauthorized: false };
  const LIMIT = 3;

  async function limited(secure: boolean, more = ''): Promise<RunningProxy> {
    const port = await stage.server(echoing('one'));
    const files = secure ? ', tls: { certificates: [{ cert: crt, key: key }] }' : '';
    return stage.proxy(
      `
listen: [{ address: '127.0.0.1:0'${files}${more} }]
upstreams: { one: { servers: ['http://127.0.0.1:${port}'] }, mail: { servers: ['https://127.0.0.1:1'] } }
access: [{ allow: {} }]
routes: [{ to: one }]
limits: { waitingConnections: ${LIMIT} }
`,
      (path) => Buffer.from(path === 'key' ? leaf.keyPem : leaf.certPem),
    );
  }

  async function expectPage(wire: Wire): Promise<void> {
    await wire.send(GET);
    expect((await expectResponse(wire)).status).toBe(200);
  }

  const isClosed = async (wire: Wire): Promise<boolean> => (await wire.inlet.rest(PATIENCE)).kind !== 'late';
  const codes = ({ records }: RunningProxy): string[] =>
    records.flatMap((record) => (record.kind === 'notice' ? [record.code] : []));

  it.each([
    ['plain', false],
    ['TLS', true],
  ])('serves a fresh client, closes the oldest, and serves a slow one in time: %s', async (_what, secure) => {
    const proxy = await limited(secure);
    const options = secure ? { tls } : {};
    const slow: Wire[] = [];
    for (let count = 0; count < LIMIT; count += 1) {
      const wire = await proxy.wire(options);
      await wire.send('GET /slow HTTP/1.1\r\nHost: a.');
      slow.push(wire);
    }
    const [oldest, second, third] = slow as [Wire, Wire, Wire];
    await expectPage(await proxy.wire(options));
    expect(await isClosed(oldest)).toBe(true);
    for (const wire of [second, third]) {
      await wire.send('test\r\n\r\n');
      expect((await expectResponse(wire)).body.toString()).toContain('/slow');
    }
    expect(codes(proxy)).toEqual(['TOO_MANY_WAITING']);
  });

  it('closes one inside its TLS handshake without telling of it as a client that left', async () => {
    const proxy = await limited(true);
    const silent: Wire[] = [];
    for (let count = 0; count <= LIMIT; count += 1) silent.push(await proxy.wire());
    expect(await isClosed(silent[0] as Wire)).toBe(true);
    await expectPage(await proxy.wire({ tls }));
    await expect.poll(() => proxy.edge.connections()).toBe(LIMIT);
    expect(codes(proxy)).toEqual(['TOO_MANY_WAITING']);
  });

  it('counts those whose name is still to be read where some names pass through', async () => {
    const proxy = await limited(true, ', passThrough: [{ hosts: mail.test, to: mail }]');
    const silent: Wire[] = [];
    for (let count = 0; count <= LIMIT; count += 1) silent.push(await proxy.wire());
    expect(await isClosed(silent[0] as Wire)).toBe(true);
    await expectPage(await proxy.wire({ tls }));
    expect(codes(proxy)).toEqual(['TOO_MANY_WAITING']);
  });

  it('lets those be that have asked and are kept alive', async () => {
    const proxy = await limited(false);
    const kept: Wire[] = [];
    for (let count = 0; count < 2 * LIMIT; count += 1) {
      const wire = await proxy.wire();
      await expectPage(wire);
      kept.push(wire);
    }
    for (const wire of kept) await expectPage(wire);
    expect(codes(proxy)).toEqual([]);
  });

  it('counts an HTTP/2 connection until its first request', async () => {
    const proxy = await limited(true);
    const open = async () => {
      const session = connectHttp2(`https://127.0.0.1:${proxy.port}`, { ...tls, servername: 'a.test' });
      session.on('error', () => {});
      const gone = new Promise<void>((resolve) => session.once('close', () => resolve()));
      await new Promise((resolve) => session.once('remoteSettings', resolve));
      const close = async (): Promise<void> => session.destroy();
      return stage.keep({ session, gone, close });
    };
    const asked = await open();
    const status = await new Promise((resolve, reject) => {
      const stream = asked.session.request({ ':path': '/page', ':authority': 'a.test' });
      stream.once('response', (headers) => resolve(headers[':status'])).once('error', reject);
      stream.resume();
    });
    expect(status).toBe(200);
    const waiting = [];
    for (let count = 0; count <= LIMIT; count += 1) waiting.push(await open());
    await waiting[0]?.gone;
    expect(asked.session.destroyed).toBe(false);
    expect(codes(proxy)).toEqual(['TOO_MANY_WAITING']);
  });

  it('goes by the limit of a reload', async () => {
    const port = await stage.server(echoing('one'));
    const proxy = await stage.proxy(simpleRules(port));
    const slow = [await proxy.wire(), await proxy.wire()];
    await expect.poll(() => proxy.edge.connections()).toBe(2);
    const result = await proxy.edge.reload(rulesOf(`${simpleRules(port)}limits: { waitingConnections: 1 }\n`));
    expect(result.kind).toBe('reloaded');
    await expectPage(await proxy.wire());
    for (const wire of slow) expect(await isClosed(wire)).toBe(true);
  });
});
