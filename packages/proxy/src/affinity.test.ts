import { upstreamOf } from '@outrigger/rules';
import { ANNA, startExchange } from '@outrigger/tools/exchange/index';
import { field } from '@outrigger/tools/message';
import { openVirtualConnection } from '@outrigger/tools/outlook/index';
import { expectResponse, type Wire } from '@outrigger/tools/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { affinityOf, rendezvousOrder } from './affinity.ts';
import { echoing, openStage, PATIENCE } from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());

const servers = ['https://a', 'https://b', 'https://c', 'https://d'].map((url) => ({ url }));
const clients = Array.from({ length: 400 }, (_, index) => `192.0.2.${index}`);
const first = (key: string, among = servers): string => rendezvousOrder(among, key)[0]?.url ?? '';

describe('rendezvousOrder', () => {
  it('gives every server its share, in an order that does not depend on how they are listed', () => {
    const reversed = [...servers].reverse();
    for (const key of clients) expect(rendezvousOrder(reversed, key)).toEqual(rendezvousOrder(servers, key));
    for (const { url } of servers) {
      const share = clients.filter((key) => first(key) === url).length / clients.length;
      expect(share).toBeGreaterThan(0.15);
      expect(share).toBeLessThan(0.35);
    }
  });

  it('moves only the clients of a server that is taken away, to what was their second', () => {
    const without = servers.filter(({ url }) => url !== 'https://b');
    for (const key of clients) {
      const order = rendezvousOrder(servers, key).map(({ url }) => url);
      expect(first(key, without)).toBe(order[0] === 'https://b' ? order[1] : order[0]);
    }
  });
});

describe('rendezvousOrder by weight', () => {
  const weighted = servers.slice(0, 3).map(({ url }, index) => ({ url, weight: [3, 1, 2][index] }));
  const many = Array.from({ length: 6_000 }, (_, index) => `client ${index}`);
  const firstOf = (among: readonly { url: string; weight?: number | undefined }[], key: string): string =>
    rendezvousOrder(among, key)[0]?.url ?? '';

  it('gives every server its share', () => {
    for (const { url, weight = 0 } of weighted) {
      const share = many.filter((key) => firstOf(weighted, key) === url).length / many.length;
      expect(Math.abs(share - weight / 6)).toBeLessThan(0.02);
    }
  });

  it('shares the clients of one that is down in the proportions of the others', () => {
    const left = many.filter((key) => firstOf(weighted, key) === 'https://a');
    const second = left.map((key) => rendezvousOrder(weighted, key)[1]?.url);
    expect(Math.abs(second.filter((url) => url === 'https://c').length / left.length - 2 / 3)).toBeLessThan(0.03);
  });

  it('moves clients only to a server whose weight has grown', () => {
    const grown = weighted.map((server) => (server.url === 'https://b' ? { ...server, weight: 4 } : server));
    for (const key of many.slice(0, 600)) {
      const [before, after] = [firstOf(weighted, key), firstOf(grown, key)];
      if (before !== after) expect(after).toBe('https://b');
    }
  });

  it('is the order without weights where all are equal', () => {
    const equal = servers.map(({ url }) => ({ url, weight: 7 }));
    const urls = (among: { url: string }[], key: string): string[] => rendezvousOrder(among, key).map(({ url }) => url);
    for (const key of clients) expect(urls(equal, key)).toEqual(urls(servers, key));
  });
});

describe('affinityOf', () => {
  const VISIT = 'abcdefghijklmnopqrstuv';
  const byCookie = upstreamOf({ servers: ['http://a'], affinity: 'cookie' });
  const asked = (cookie: string, client = '192.0.2.7') => ({ client, fields: [['Cookie', cookie]] as const });

  it('knows an IPv6 client by its network, since it changes the rest', () => {
    const byClient = upstreamOf({ servers: ['http://a'], affinity: 'client' });
    const key = (client: string) => affinityOf(byClient, { client, fields: [] }, false);
    expect(key('2001:db8:0:1::5')).toEqual(key('2001:db8:0:1:9:8:7:6'));
    expect(key('2001:db8:0:1::5')).not.toEqual(key('2001:db8:0:2::5'));
    expect(key('192.0.2.7')).toEqual({ by: 'client', key: '192.0.2.7' });
  });

  it.each([
    [`a=b; outrigger=${VISIT}`, VISIT],
    [`outrigger=x; outrigger=${VISIT}`, VISIT],
    [`notoutrigger=${VISIT}`, undefined],
    ['outrigger=http://10.1.1.14', undefined],
    ['', undefined],
  ])('reads the visit from %j', (cookie, key) => {
    expect(affinityOf(byCookie, asked(cookie), false)).toEqual({
      by: 'cookie',
      cookie: 'outrigger',
      ...(key && { key }),
    });
  });

  it('goes by the address for channels, cookie or not', () => {
    expect(affinityOf(byCookie, asked(`outrigger=${VISIT}`), true)).toEqual({ by: 'client', key: '192.0.2.7' });
  });

  it('is none unless the rules want one', () => {
    expect(affinityOf(upstreamOf({ servers: ['http://a'] }), asked(''), false)).toEqual({ by: 'none' });
  });
});

/** One plain listener and these servers behind one upstream. */
function rules(ports: number[], settings: string, route = ''): string {
  return `
listen: [{ address: '127.0.0.1:0' }]
upstreams:
  farm: { servers: [${ports.map((port) => `'http://127.0.0.1:${port}'`)}], rpcOverHttp: true, ${settings} }
access: [{ allow: {} }]
routes: [{ to: farm ${route} }]
`;
}

async function farm(): Promise<number[]> {
  const names = ['a', 'b', 'c', 'd'];
  return Promise.all(names.map((name) => stage.server(echoing(name))));
}

/** Which server answered, and the cookie it came with. */
async function visit(wire: Wire, cookie = ''): Promise<{ server: string; cookie: string | undefined }> {
  await wire.send(`GET /x HTTP/1.1\r\nHost: a.test\r\n${cookie && `Cookie: ${cookie}\r\n`}\r\n`);
  const { fields, body } = await expectResponse(wire);
  return { server: body.toString().slice(0, 1), cookie: field(fields, 'Set-Cookie') };
}

describe.each([
  ['relay', ''],
  ['rewrite', ', rewrite: { path: { from: /x, to: /x } }'],
])('affinity: cookie in the %s lane', (_, route) => {
  it('spreads visits over the servers and brings each back to its own, on any connection and through any edge', async () => {
    const ports = await farm();
    const proxy = await stage.proxy(rules(ports, 'affinity: cookie', route));
    const other = await stage.proxy(rules([...ports].reverse(), 'affinity: cookie', route));
    const reached = new Set<string>();
    for (let round = 0; round < 16; round++) {
      const wire = await proxy.wire();
      const start = await visit(wire);
      reached.add(start.server);
      expect(start.cookie).toMatch(/^outrigger=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax$/);
      const [pair = ''] = start.cookie?.split(';') ?? [];
      expect(await visit(wire, pair)).toEqual({ server: start.server, cookie: undefined });
      expect(await visit(await other.wire(), `x=y; ${pair}`)).toEqual({ server: start.server, cookie: undefined });
    }
    expect(reached.size).toBeGreaterThan(1);
  });

  it('keeps a client that takes no cookies at one server for the life of its connection', async () => {
    const proxy = await stage.proxy(rules(await farm(), 'affinity: cookie', route));
    const wire = await proxy.wire();
    const answers = [await visit(wire), await visit(wire), await visit(wire)];
    expect(new Set(answers.map(({ server }) => server)).size).toBe(1);
    expect(new Set(answers.map(({ cookie }) => cookie)).size).toBe(1);
  });

  it('is another visit for another client of a trusted proxy, on the same connection', async () => {
    const proxy = await stage.proxy(`trustedProxies: [127.0.0.1]${rules(await farm(), 'affinity: cookie', route)}`);
    const wire = await proxy.wire();
    const given: (string | undefined)[] = [];
    for (const client of ['203.0.113.7', '203.0.113.7', '203.0.113.8']) {
      await wire.send(`GET /x HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: ${client}\r\n\r\n`);
      given.push(field((await expectResponse(wire)).fields, 'Set-Cookie'));
    }
    expect(given[0]).toBe(given[1]);
    expect(given[2]).not.toBe(given[1]);
  });

  it('takes two visits on one connection to a server each', async () => {
    const proxy = await stage.proxy(rules(await farm(), 'affinity: cookie', route));
    const homes = new Map<string, string>();
    for (let round = 0; round < 16; round++) {
      const { cookie, server } = await visit(await proxy.wire());
      homes.set(cookie?.split(';')[0] ?? '', server);
    }
    const shared = await proxy.wire();
    for (const [cookie, server] of homes) expect((await visit(shared, cookie)).server).toBe(server);
  });
});

it('brings more clients to a server of more weight', async () => {
  const proxy = await stage.proxy(
    `trustedProxies: [127.0.0.1]${rules(await farm(), 'affinity: client, weights: [1, 1, 1, 97]')}`,
  );
  const wire = await proxy.wire();
  const reached: string[] = [];
  for (let client = 1; client <= 20; client += 1) {
    await wire.send(`GET /x HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 203.0.113.${client}\r\n\r\n`);
    reached.push((await expectResponse(wire)).body.toString().slice(0, 1));
  }
  expect(reached.filter((name) => name === 'd').length).toBeGreaterThan(15);
});

describe('affinity of channels', () => {
  it.each(['client', 'cookie'])('brings both channels, and later ones, to one server with affinity: %s', async (by) => {
    const exchanges = await Promise.all([1, 2, 3].map(async () => stage.keep(await startExchange())));
    const proxy = await stage.proxy(
      rules(
        exchanges.map(({ port }) => port),
        `affinity: ${by}`,
      ),
    );
    for (let round = 0; round < 3; round++) {
      const opened = await openVirtualConnection({
        connect: { host: '127.0.0.1', port: proxy.port },
        credentials: ANNA,
        patience: PATIENCE,
      });
      await opened.close();
    }
    const used = exchanges.filter(({ events }) => events.length > 0);
    expect(used).toHaveLength(1);
    expect(proxy.records).not.toContainEqual(expect.objectContaining({ code: 'CHANNEL_NO_C2' }));
  });
});
