import { createServer } from 'node:http';
import { createAuthority } from '@outrigger/tools/certs';
import { field } from '@outrigger/tools/message';
import { expectResponse } from '@outrigger/tools/wire';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { answer, echoing, later, nextHead, openStage, PATIENCE, pathOf, simpleRules } from './testing/stage.ts';

// What browsers, phones and old clients send that other proxies broke, asked of both lanes where both can take it.

vi.mock('node:http', async (original) => {
  const http = await original<typeof import('node:http')>();
  return { ...http, createServer: vi.fn(http.createServer) };
});

const stage = openStage();
afterEach(() => stage.close());

const LANES = [
  ['relay', ''],
  ['rewrite', ', rewrite: { location: [{ from: /a, to: /b }] }'],
] as const;
const lanes = (port: number, rewrite: string, settings = ''): string =>
  simpleRules(port, settings).replace('{ to: one }', `{ to: one${rewrite} }`);

describe.each(LANES)('the %s lane', (_, rewrite) => {
  it('passes cookies with quotes and braces both ways, as spelled', async () => {
    const cookie = 'OutlookSession="{0B5C6DDE-5D1B-4A8E-9B5F-2F7E5D1C0A11}"';
    const seen = later<string>();
    const port = await stage.server(async (connection) => {
      seen.resolve(await nextHead(connection));
      await connection.send(answer('ok', `Set-Cookie: ${cookie}; path=/; HttpOnly`));
    });
    const wire = await (await stage.proxy(lanes(port, rewrite))).wire();
    await wire.send(`GET /autodiscover HTTP/1.1\r\nHost: a.test\r\nCookie: ${cookie}; b={1;2}\r\n\r\n`);
    const response = await expectResponse(wire);
    expect(field(response.fields, 'set-cookie')).toBe(`${cookie}; path=/; HttpOnly`);
    expect(await seen.promise).toContain(`\r\nCookie: ${cookie}; b={1;2}\r\n`);
  });

  it('keeps the spelling of field names and every WWW-Authenticate line apart', async () => {
    const seen = later<string>();
    const lines = ['WWW-Authenticate: Negotiate', 'www-authenticate: NTLM', 'WWW-Authenticate: Basic realm="a, b"'];
    const port = await stage.server(async (connection) => {
      seen.resolve(await nextHead(connection));
      await connection.send(
        Buffer.from(['HTTP/1.1 401 No', ...lines, 'X-mixed-CASE: 1', 'Content-Length: 0', '', ''].join('\r\n')),
      );
    });
    const wire = await (await stage.proxy(lanes(port, rewrite))).wire();
    await wire.send('GET / HTTP/1.1\r\nHost: a.test\r\nMS-ASProtocolVersion: 16.1\r\nx-lower: 1\r\nX-UPPER: 2\r\n\r\n');
    const head = (await wire.inlet.until('\r\n\r\n', PATIENCE)).bytes.toString('latin1');
    expect(head.split('\r\n').slice(1, 5)).toEqual([...lines, 'X-mixed-CASE: 1']);
    for (const line of ['MS-ASProtocolVersion: 16.1', 'x-lower: 1', 'X-UPPER: 2']) {
      expect(await seen.promise).toContain(`\r\n${line}\r\n`);
    }
  });

  it('passes a head with Kerberos tokens of 64 KiB and more', async () => {
    const token = 'A'.repeat(96 * 1024);
    const seen = later<string>();
    const port = await stage.server(async (connection) => {
      seen.resolve(await nextHead(connection));
      await connection.send(answer('ok'));
    });
    const wire = await (await stage.proxy(lanes(port, rewrite))).wire();
    await wire.send(`GET / HTTP/1.1\r\nHost: a.test\r\nAuthorization: Negotiate ${token}\r\n\r\n`);
    expect((await expectResponse(wire)).status).toBe(200);
    expect(await seen.promise).toContain(`\r\nAuthorization: Negotiate ${token}\r\n`);
  });

  it('takes a body that is slower than every limit for a head, an answer and silence', async () => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      const body = await connection.inlet.exactly(30, PATIENCE);
      await connection.send(answer(body.bytes.toString()));
    });
    const rules = `${lanes(port, rewrite, 'timeouts: { answer: 120ms, idle: 120ms }')}limits: { headTime: 60ms, keepAlive: 60ms }\n`;
    const wire = await (await stage.proxy(rules)).wire();
    await wire.send('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 30\r\n\r\n');
    await wire.trickle('x'.repeat(30), { pause: 15 });
    expect((await expectResponse(wire)).body.toString()).toBe('x'.repeat(30));
  });

  it('has no limit for the answer once it has begun, only for silence', async () => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.send(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf'));
      await connection.inlet.some(300);
      await connection.send(Buffer.from('half'));
    });
    const wire = await (await stage.proxy(lanes(port, rewrite, 'timeouts: { answer: 100ms, idle: 10s }'))).wire();
    await wire.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    expect((await expectResponse(wire)).body.toString()).toBe('halfhalf');
  });

  it.each(['application/vnd.ms-sync.wbxml', 'application/x-www-form-urlencoded; charset=x', 'a/b;c="d', ''])(
    'has no list of content types: %j',
    async (type) => {
      const seen = later<string>();
      const port = await stage.server(async (connection) => {
        seen.resolve(await nextHead(connection));
        await connection.send(answer('ok'));
      });
      const wire = await (await stage.proxy(lanes(port, rewrite))).wire();
      await wire.send(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Type: ${type}\r\nContent-Length: 0\r\n\r\n`);
      expect((await expectResponse(wire)).status).toBe(200);
      expect(await seen.promise).toMatch(new RegExp(`\r\nContent-Type: ?${type.replaceAll(/[.*+]/g, '\\$&')}\r\n`));
    },
  );
});

describe('the relay lane alone', () => {
  it.each([
    'SEARCH',
    'PROPFIND',
    'BMOVE',
    'X-MS-ENUMATTS',
    'CCM_POST',
    'BITS_POST',
    'M-SEARCH',
    "!#$%&'*+-.^_`|~",
    'get',
  ])('passes the method %s, to a server without rpcOverHttp as well, first and behind a GET', async (method) => {
    const seen: string[] = [];
    const port = await stage.server(async (connection) => {
      for (;;) {
        const head = await nextHead(connection).catch(() => '');
        if (head === '') return;
        seen.push(head.split(' ')[0] ?? '');
        await connection.send(answer('ok'));
      }
    });
    const wire = await (await stage.proxy(simpleRules(port).replace('rpcOverHttp: true', 'rpcOverHttp: false'))).wire();
    for (const verb of [method, 'GET', method]) {
      await wire.send(`${verb} /exchange/user HTTP/1.1\r\nHost: a.test\r\n\r\n`);
      expect((await expectResponse(wire)).status).toBe(200);
    }
    expect(seen).toEqual([method, 'GET', method]);
  });

  it('passes trailers both ways', async () => {
    const body = '3\r\nabc\r\n0\r\nX-Digest: 1\r\nx-second: 2\r\n\r\n';
    const seen = later<string>();
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      seen.resolve((await connection.inlet.exactly(body.length, PATIENCE)).bytes.toString());
      await connection.send(Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`));
      await connection.inlet.whenOver();
    });
    const wire = await (await stage.proxy(simpleRules(port))).wire();
    await wire.send(
      `POST / HTTP/1.1\r\nHost: a.test\r\nTrailer: X-Digest\r\nTransfer-Encoding: chunked\r\n\r\n${body}`,
    );
    const taken = await wire.inlet.until('x-second: 2\r\n\r\n', PATIENCE);
    expect(taken.bytes.toString()).toBe(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
    expect(await seen.promise).toBe(body);
  });

  it('answers 431 to a head of more than 128 KiB, and says so', async () => {
    const proxy = await stage.proxy(simpleRules(await stage.server(echoing('one'))));
    const wire = await proxy.wire();
    await wire.send(`GET / HTTP/1.1\r\nHost: a.test\r\nAuthorization: Negotiate ${'A'.repeat(128 * 1024)}\r\n\r\n`);
    expect((await expectResponse(wire)).status).toBe(431);
    expect((await proxy.notice('HEAD_TOO_LARGE')).message).toMatch(/Answered 431/);
  });

  it('sends Exchange and the websites of one address to their servers by Host, with the Host as it came', async () => {
    const hosts: string[] = [];
    const serve =
      (name: string): Parameters<typeof stage.server>[0] =>
      async (connection) => {
        hosts.push(/\r\nHost: (.*)\r\n/.exec(await nextHead(connection))?.[1] ?? '');
        await connection.send(answer(name));
      };
    const rules = `
listen: [{ address: '127.0.0.1:0' }]
upstreams:
  exchange: { servers: ['http://127.0.0.1:${await stage.server(serve('exchange'))}'], rpcOverHttp: true }
  web: { servers: ['http://127.0.0.1:${await stage.server(serve('web'))}'] }
access: [{ allow: {} }]
routes: [{ when: { hosts: [mail.a.test] }, to: exchange }, { to: web }]
`;
    const proxy = await stage.proxy(rules);
    for (const [host, name] of [
      ['MAIL.a.test', 'exchange'],
      ['www.a.test:8443', 'web'],
    ]) {
      const wire = await proxy.wire();
      await wire.send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      expect((await expectResponse(wire)).body.toString()).toBe(name);
    }
    expect(hosts).toEqual(['MAIL.a.test', 'www.a.test:8443']);
  });
});

describe('TLS ends here', () => {
  it('and the server is told so in X-Forwarded-Proto, whatever the client claims', async () => {
    const leaf = await (await createAuthority()).issue({ names: ['a.test'] });
    const seen = later<string>();
    const port = await stage.server(async (connection) => {
      seen.resolve(await nextHead(connection));
      await connection.send(answer('ok'));
    });
    const tls = 'tls: { certificates: [{ cert: a.crt, key: a.key }] }';
    const rules = simpleRules(port).replace("address: '127.0.0.1:0'", `address: '127.0.0.1:0', ${tls}`);
    const proxy = await stage.proxy(rules, (path) => Buffer.from(path === 'a.crt' ? leaf.certPem : leaf.keyPem));
    const wire = await proxy.wire({ tls: { rejectUnauthorized: false } });
    await wire.send('GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-Proto: http\r\n\r\n');
    expect((await expectResponse(wire)).status).toBe(200);
    expect((await seen.promise).match(/x-forwarded-proto:.*/gi)).toEqual(['X-Forwarded-Proto: https']);
  });
});

describe("node's own limits", () => {
  it('are off in the rewrite lane: an upload may last longer than its 300 s, a poll longer than its 5 s', async () => {
    vi.mocked(createServer).mockClear();
    await stage.proxy(simpleRules(1));
    const [server] = vi.mocked(createServer).mock.results.map(({ value }) => value);
    expect(server).toMatchObject({ requestTimeout: 0, headersTimeout: 0, timeout: 0, keepAliveTimeout: 0 });
  });
});

it('passes a SharePoint upload larger than any default cap of other proxies, whose last byte is answered', async () => {
  const size = 40_000_000;
  const port = await stage.server(async (connection) => {
    expect(pathOf(await nextHead(connection))).toBe('/upload');
    let taken = 0;
    while (taken < size) {
      const some = await connection.inlet.some(PATIENCE);
      if (some.kind !== 'bytes') throw new Error(`the upload broke after ${taken} bytes`);
      taken += some.bytes.length;
    }
    await connection.send(answer(String(taken)));
  });
  const wire = await (await stage.proxy(simpleRules(port))).wire();
  await wire.send(`PUT /upload HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${size}\r\n\r\n`, Buffer.alloc(size));
  expect((await expectResponse(wire, { milliseconds: 20_000 })).body.toString()).toBe(String(size));
});
