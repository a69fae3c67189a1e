import { expectResponse } from '@outrigger/tools/wire';
import { afterEach, describe, expect, it } from 'vitest';
import type { LogRecord } from './accesslog.ts';
import { createClients } from './clients.ts';
import { answer, echoing, nextHead, openStage, PATIENCE, simpleRules } from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());

/** Clients with a clock of their own. */
function counted(limits: { connectionsPerClient?: number; headsPerSecond?: number }) {
  const clock = { at: 1_000_000 };
  const records: LogRecord[] = [];
  const all = { connectionsPerClient: 1, headsPerSecond: 1, ...limits };
  return {
    clock,
    records,
    clients: createClients(
      { ...all, isProxy: (address) => address === '192.0.2.200' },
      (record) => records.push(record),
      () => clock.at,
    ),
  };
}

describe('connections of one client', () => {
  it('are counted while they are open, each client by itself', () => {
    const { clients } = counted({ connectionsPerClient: 2 });
    const leave = clients.enter('192.0.2.1');
    expect(clients.enter('192.0.2.1')).toBeDefined();
    expect(clients.enter('192.0.2.1')).toBeUndefined();
    expect(clients.enter('192.0.2.2')).toBeDefined();
    leave?.();
    expect(clients.enter('192.0.2.1')).toBeDefined();
    expect(clients.enter('192.0.2.1')).toBeUndefined();
  });

  it('count by network in IPv6: a customer has 2^64 addresses', () => {
    const { clients, records } = counted({});
    expect(clients.enter('2001:db8:0:42::1')).toBeDefined();
    expect(clients.enter('2001:db8:0:42:ffff::2')).toBeUndefined();
    expect(clients.enter('2001:db8:0:43::1')).toBeDefined();
    expect(records).toMatchObject([{ client: '2001:db8:0:42::/64', code: 'TOO_MANY_CONNECTIONS' }]);
  });
});

describe('a trusted proxy', () => {
  it('brings many clients, and is not counted as one', () => {
    const { clients, records } = counted({});
    for (let turn = 0; turn < 3; turn += 1) {
      expect(clients.enter('192.0.2.200')).toBeDefined();
      expect(clients.mayAsk('192.0.2.200')).toBe(true);
    }
    expect(records).toEqual([]);
  });
});

describe('heads of one client', () => {
  it('are counted anew each second', () => {
    const { clients, clock } = counted({ headsPerSecond: 2 });
    const asked = (): boolean => clients.mayAsk('192.0.2.1');
    expect([asked(), asked(), asked()]).toEqual([true, true, false]);
    expect(clients.mayAsk('192.0.2.2')).toBe(true);
    clock.at += 1_000;
    expect(asked()).toBe(true);
  });
});

describe('the log', () => {
  it('hears of a client once a minute', () => {
    const { clients, clock, records } = counted({});
    clients.enter('192.0.2.1');
    for (let round = 0; round < 50; round++) clients.enter('192.0.2.1');
    expect(records).toHaveLength(1);
    clock.at += 59_999;
    clients.enter('192.0.2.1');
    expect(records).toHaveLength(1);
    clock.at += 1;
    clients.enter('192.0.2.1');
    expect(records).toHaveLength(2);
  });

  it('hears of a thousand clients a minute at most', () => {
    const { clients, clock, records } = counted({});
    for (let number = 0; number < 3_000; number++) {
      const address = `10.0.${number >> 8}.${number & 255}`;
      clients.mayAsk(address);
      clients.mayAsk(address);
    }
    expect(records).toHaveLength(1_000);
    clock.at += 60_000;
    clients.mayAsk('192.0.2.1');
    clients.mayAsk('192.0.2.1');
    expect(records).toHaveLength(1_001);
  });
});

describe('the edge', () => {
  const limited = (port: number, limits: string): string => `${simpleRules(port)}limits: { ${limits} }\n`;
  const GET = 'GET /page HTTP/1.1\r\nHost: a.test\r\n\r\n';

  it('closes one connection too many unread, says so, and takes another once there is room', async () => {
    const proxy = await stage.proxy(limited(await stage.server(echoing('one')), 'connectionsPerClient: 2'));
    const [first, second] = [await proxy.wire(), await proxy.wire()];
    const third = await proxy.wire();
    expect((await third.inlet.rest(PATIENCE)).bytes).toHaveLength(0);
    await second.send(GET);
    expect((await expectResponse(second)).status).toBe(200);
    expect((await proxy.notice('TOO_MANY_CONNECTIONS')).client).toBe('127.0.0.1');
    await first.close();
    await expect.poll(() => proxy.edge.connections()).toBe(1);
    const fourth = await proxy.wire();
    await fourth.send(GET);
    expect((await expectResponse(fourth)).status).toBe(200);
  });

  it('tells rules how many connections the client of a request has open', async () => {
    const rules = simpleRules(await stage.server(echoing('one')));
    const proxy = await stage.proxy(rules.replace('access: [', 'access: [{ deny: { connectionsOver: 2 } }, '));
    const [first, second] = [await proxy.wire(), await proxy.wire()];
    await second.send(GET);
    expect((await expectResponse(second)).status).toBe(200);
    const third = await proxy.wire();
    await third.send(GET);
    expect((await expectResponse(third)).status).toBe(403);
    await Promise.all([first.close(), third.close()]);
    await expect.poll(() => proxy.edge.connections()).toBe(1);
    await second.send(GET);
    expect((await expectResponse(second)).status).toBe(200);
  });

  it('answers 429 to one head too many, and no server sees it', async () => {
    let seen = 0;
    const port = await stage.server(async (connection) => {
      for (;;) {
        if ((await nextHead(connection).catch(() => '')) === '') return;
        seen += 1;
        await connection.send(answer('ok'));
      }
    });
    const proxy = await stage.proxy(limited(port, 'headsPerSecond: 3'));
    // Within two seconds a limit of three lets six through; the seventh of a burst meets it wherever the seconds change.
    const wire = await proxy.wire();
    await wire.send(GET.repeat(7));
    let status = 0;
    let answered = 0;
    while (status !== 429 && answered < 7) {
      ({ status } = await expectResponse(wire));
      answered += 1;
    }
    expect(status).toBe(429);
    expect((await wire.inlet.rest(PATIENCE)).bytes).toHaveLength(0);
    expect(seen).toBe(answered - 1);
    expect((await proxy.notice('TOO_MANY_HEADS')).message).toMatch(/limits\.headsPerSecond/);
  });
});
