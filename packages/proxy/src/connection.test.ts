import { startExchange } from '@outrigger/tools/exchange/index';
import { openVirtualConnection } from '@outrigger/tools/outlook/index';
import { expectResponse, readResponse } from '@outrigger/tools/wire';
import { afterEach, describe, expect, it } from 'vitest';
import {
  answer,
  breakingUnderSecond,
  echoing,
  later,
  nextHead,
  openStage,
  PATIENCE,
  pathOf,
  simpleRules,
} from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());

const GET = (path: string, host = 'a.test'): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

/** Exchange for /rpc and /owa, with /ecp denied; the web server for all else. */
const twoUpstreams = (exchange: number, web: number): string => `
listen: [{ address: '127.0.0.1:0' }]
upstreams:
  exchange: { servers: ['http://127.0.0.1:${exchange}'], rpcOverHttp: true }
  web: { servers: ['http://127.0.0.1:${web}'] }
access:
  - deny: { path: { prefix: /ecp } }
  - deny: { path: { prefix: /reset } }
    answer: reset
  - allow: {}
routes:
  - when: { path: [{ prefix: /rpc }, { prefix: /owa }] }
    to: exchange
  - to: web
`;

describe('every head is routed anew', () => {
  it('answers a pipelined pair in one segment from two upstreams, in order', async () => {
    const seen: string[] = [];
    const exchange = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.inlet.some(60); // slow on purpose: the second request must wait its turn
      expect(seen).toEqual([]);
      await connection.send(answer('from exchange'));
    });
    const web = await stage.server(echoing('web', seen));
    const wire = await (await stage.proxy(twoUpstreams(exchange, web))).wire();
    await wire.send(GET('/owa') + GET('/'));
    expect((await expectResponse(wire)).body.toString()).toBe('from exchange');
    expect((await expectResponse(wire)).body.toString()).toBe('web 1 /');
  });

  it('denies a path behind a whole RPC request, and no upstream sees it', async () => {
    const seen: string[] = [];
    const record = async (connection: Parameters<Parameters<typeof stage.server>[0]>[0]): Promise<void> => {
      for (;;) {
        const head = await nextHead(connection).catch(() => '');
        if (head === '') return;
        seen.push(pathOf(head));
        if (head.includes('Content-Length: 4')) await connection.inlet.exactly(4, PATIENCE);
        await connection.send(answer('ok'));
      }
    };
    const proxy = await stage.proxy(twoUpstreams(await stage.server(record), await stage.server(record)));
    const wire = await proxy.wire();
    const rpc = 'RPC_OUT_DATA /rpc/rpcproxy.dll?a:6001 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nECHO';
    await wire.send(rpc + GET('/ecp/') + GET('/after'));
    expect((await expectResponse(wire)).status).toBe(200);
    expect((await expectResponse(wire)).status).toBe(403);
    expect((await wire.inlet.rest(PATIENCE)).bytes.length).toBe(0);
    wire.finish();
    expect(seen).toEqual(['/rpc/rpcproxy.dll?a:6001']);
    expect(await proxy.request('/ecp')).toMatchObject({ status: 403, code: 'DENIED', rule: 'test.yaml:7:5' });
  });

  it('routes a request for another path by the rules after an RPC leg was answered 401', async () => {
    const exchange = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.send(
        Buffer.from('HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n'),
      );
      await connection.inlet.whenOver();
    });
    const proxy = await stage.proxy(twoUpstreams(exchange, await stage.server(echoing('web'))));
    const wire = await proxy.wire();
    await wire.send('RPC_IN_DATA /rpc/rpcproxy.dll HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n');
    expect((await expectResponse(wire)).status).toBe(401);
    await wire.send(GET('/page'));
    expect((await expectResponse(wire)).body.toString()).toBe('web 1 /page');
    await wire.close();
    expect((await proxy.notice('LOGIN_UNFINISHED')).message).toMatch(/knows none of the offered schemes/);
  });

  it('opens an OUT channel on a connection that carried a GET before', async () => {
    const exchange = await stage.server(async (connection) => {
      expect(await nextHead(connection)).toMatch(/^RPC_OUT_DATA/);
      await connection.inlet.exactly(4, PATIENCE);
      await connection.send(Buffer.from('HTTP/1.1 200 Success\r\nContent-Length: 1073741824\r\n\r\nPDU'));
    });
    const wire = await (await stage.proxy(twoUpstreams(exchange, await stage.server(echoing('web'))))).wire();
    await wire.send(GET('/'));
    await expectResponse(wire);
    await wire.send('RPC_OUT_DATA /rpc/rpcproxy.dll?a:6001 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nCONN');
    expect((await wire.inlet.until('PDU', PATIENCE)).kind).toBe('bytes');
  });

  it('resets where the rules say so', async () => {
    const web = await stage.server(echoing('web'));
    const wire = await (await stage.proxy(twoUpstreams(web, web))).wire();
    await wire.send(GET('/reset'));
    expect(await wire.inlet.rest(PATIENCE)).toMatchObject({ kind: 'failed', code: 'ECONNRESET' });
  });

  it('answers 421 to a host that is not served here, where the rules say so, and ends the connection', async () => {
    const web = await stage.server(echoing('web'));
    const rules = twoUpstreams(web, web).replace(
      'access:',
      "access:\n  - { deny: { hosts: ['!.a.test'] }, answer: misdirected }",
    );
    const proxy = await stage.proxy(rules);
    for (const [host, status] of [
      ['www.a.test', 200],
      ['foreign.test', 421],
    ] as const) {
      const wire = await proxy.wire();
      await wire.send(GET(`/${host}`, host));
      expect((await expectResponse(wire)).status).toBe(status);
    }
    expect(await proxy.request('/foreign.test')).toMatchObject({ status: 421, code: 'DENIED', rule: 'test.yaml:7:5' });
  });

  it('answers 405 to an RPC verb for a web server, and to CONNECT, and names methods that would do', async () => {
    const web = await stage.server(echoing('web'));
    const proxy = await stage.proxy(twoUpstreams(web, web));
    for (const head of [
      'RPC_IN_DATA /web HTTP/1.1\r\nHost: a\r\n\r\n',
      'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n',
    ]) {
      const wire = await proxy.wire();
      await wire.send(head);
      const response = await expectResponse(wire);
      expect([response.status, response.fields.some(([name]) => name === 'Allow')]).toEqual([405, true]);
    }
    expect(await proxy.request('/web')).toMatchObject({ code: 'METHOD_NOT_TUNNELLED' });
  });

  it('refuses an RPC endpoint the upstream does not list, logs it, and lets a login round without one pass', async () => {
    const seen: string[] = [];
    const port = await stage.server(async (connection) => {
      seen.push(pathOf(await nextHead(connection)));
      await connection.send(Buffer.from('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n'));
      await connection.inlet.whenOver();
    });
    const proxy = await stage.proxy(simpleRules(port, "rpcEndpoints: ['mbx1:6001-6004']"));
    const wire = await proxy.wire();
    const leg = (query: string): string =>
      `RPC_IN_DATA /rpc/rpcproxy.dll${query} HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n`;
    await wire.send(leg(''));
    expect((await expectResponse(wire)).status).toBe(401);
    await wire.send(leg('?dc1:389'));
    expect((await expectResponse(wire)).status).toBe(403);
    expect(seen).toEqual(['/rpc/rpcproxy.dll']);
    expect(await proxy.request('/rpc/rpcproxy.dll?dc1:389')).toMatchObject({ status: 403, code: 'ENDPOINT_REFUSED' });
  });

  it('answers 503 where no route matches', async () => {
    const rules = simpleRules(1).replace('routes: [{ to: one }]', 'routes: [{ when: { hosts: [b.test] }, to: one }]');
    const wire = await (await stage.proxy(rules)).wire();
    await wire.send(GET('/'));
    expect((await expectResponse(wire)).status).toBe(503);
  });
});

describe('pinning', () => {
  it('never lets two clients share an upstream connection, and keeps one for each', async () => {
    const proxy = await stage.proxy(simpleRules(await stage.server(echoing('one'))));
    const wires = await Promise.all([proxy.wire(), proxy.wire(), proxy.wire()]);
    const numbers: (string | undefined)[][] = [];
    for (const path of ['/a', '/b', '/c']) {
      const bodies = [];
      for (const wire of wires) {
        await wire.send(GET(path));
        bodies.push((await expectResponse(wire)).body.toString().split(' ')[1]);
      }
      numbers.push(bodies);
    }
    expect(numbers).toEqual([
      ['1', '2', '3'],
      ['1', '2', '3'],
      ['1', '2', '3'],
    ]);
  });

  it('carries an NTLM login and both channels of Outlook to the server that logs connections in', async () => {
    const exchange = stage.keep(await startExchange());
    const proxy = await stage.proxy(simpleRules(exchange.port));
    const credentials = { user: 'anna', domain: 'CONTOSO', password: 'Secret1' };
    for (const httpVersion of ['1.0', '1.1'] as const) {
      for (const headAndBodyTogether of [false, true]) {
        const outlook = stage.keep(
          await openVirtualConnection({
            connect: { host: '127.0.0.1', port: proxy.port },
            credentials,
            httpVersion,
            headAndBodyTogether,
          }),
        );
        expect(outlook.transcript.at(-1)?.what).toBe('virtual connection open');
        await outlook.close();
      }
    }
  });

  it('dials anew where the server closed a kept connection between two requests', async () => {
    let connections = 0;
    const port = await stage.server(async (connection) => {
      connections += 1;
      await nextHead(connection);
      await connection.send(answer(`${connections}`));
      connection.finish();
    });
    const wire = await (await stage.proxy(simpleRules(port))).wire();
    for (const expected of ['1', '2', '3']) {
      await wire.send(GET('/'));
      expect((await expectResponse(wire)).body.toString()).toBe(expected);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });

  it('repeats a GET once where a kept connection dies under it, and never a POST', async () => {
    const server = breakingUnderSecond();
    const port = await stage.server(server.serve);
    const proxy = await stage.proxy(simpleRules(port));
    const wire = await proxy.wire();
    await wire.send(GET('/'));
    expect((await expectResponse(wire)).body.toString()).toBe('1');
    await wire.send(GET('/again'));
    expect((await expectResponse(wire)).body.toString()).toBe('2');
    await wire.send('POST /once HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
    expect((await expectResponse(wire)).status).toBe(502);
    expect(server.connections()).toBe(2);
    expect(await proxy.request('/once')).toMatchObject({ code: 'UPSTREAM_RESET' });
  });
});

describe('what is no request', () => {
  it.each([
    [400, 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
    [400, 'GET / HTTP/1.1\r\n\r\n'],
    [400, 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
    [400, 'GET / HTTP/1.1\nHost: a\n\n'],
    [400, '\x16\x03\x01\x02\x00\x01\x00'],
    [414, `GET /${'x'.repeat(70_000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    [431, `GET / HTTP/1.1\r\nHost: a\r\nCookie: ${'x'.repeat(140_000)}\r\n\r\n`],
    [501, 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n'],
    [505, 'GET / HTTP/3.0\r\nHost: a\r\n\r\n'],
  ])('answers %i and closes so that the client can read it: %.60j', async (status, bytes) => {
    const proxy = await stage.proxy(simpleRules(1));
    const wire = await proxy.wire();
    await wire.send(bytes);
    await wire.send(Buffer.alloc(100_000, 'x')); // unread bytes would turn our close into a RST
    expect((await expectResponse(wire)).status).toBe(status);
    expect((await wire.inlet.rest(PATIENCE)).kind).toBe('bytes');
    expect(proxy.records).toHaveLength(1);
  });

  it('answers 408 to a head that stops, and says nothing to a client that never began', async () => {
    const rules = `${simpleRules(1)}limits: { headTime: 60ms, keepAlive: 60ms }\n`;
    const proxy = await stage.proxy(rules);
    const [slow, silent] = [await proxy.wire(), await proxy.wire()];
    await slow.send('GET / HT');
    expect((await expectResponse(slow)).status).toBe(408);
    expect((await silent.inlet.rest(PATIENCE)).bytes.length).toBe(0);
    expect(proxy.records).toMatchObject([{ kind: 'notice', code: 'HEAD_TIMEOUT' }]);
  });

  it('ends a request body that breaks its framing, and the server never takes it for whole', async () => {
    const [begun, got] = [later<void>(), later<string>()];
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      begun.resolve();
      got.resolve((await connection.inlet.rest(PATIENCE)).bytes.toString());
    });
    const proxy = await stage.proxy(simpleRules(port));
    const wire = await proxy.wire();
    await wire.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    await begun.promise;
    await wire.send(`0x10\r\n${GET('/hidden')}`);
    expect((await expectResponse(wire)).status).toBe(400);
    expect(await got.promise).toBe('3\r\nabc\r\n');
    expect(await proxy.request('/')).toMatchObject({ status: 400, code: 'CHUNK_SIZE' });
  });

  it('has no answer for a client that ends before its head does', async () => {
    const proxy = await stage.proxy(simpleRules(1));
    const wire = await proxy.wire();
    await wire.send('GET / HT');
    wire.finish();
    expect((await readResponse(wire)).kind).toBe('ended');
    expect(await proxy.notice('HEAD_CUT')).toBeDefined();
  });
});
