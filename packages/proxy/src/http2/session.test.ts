import { once } from 'node:events';
import { constants } from 'node:http2';

import { afterEach, describe, expect, it } from 'vitest';
import { answer, echoing, heldAnswer, later, nextHead, openStage, PATIENCE } from '../testing/stage.ts';
import { answerOf, browse, serving, site, website } from './testing/site.ts';

const stage = openStage();
afterEach(() => stage.close());

describe('a request over HTTP/2', () => {
  it('reaches the server as one of HTTP/1.1, with the fields a proxy owns', async () => {
    const { apache, proxy, browser } = await website(stage);
    const fields = { 'x-forwarded-for': '6.6.6.6', cookie: ['a=1', 'b=2'], te: 'trailers', 'x-byte': 'é\xa0' };
    const { status, headers } = await browser.fetch({ ':path': '/headers?q=1', ...fields });
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'x-stand-in': 'apache' });
    expect(headers).not.toHaveProperty('connection');
    const seen = await apache.until('the request', () => true);
    expect(seen).toMatchObject({ method: 'GET', target: '/headers?q=1', version: '1.1' });
    const sent = Object.fromEntries(seen.fields);
    expect(sent).toMatchObject({ host: 'www.test', cookie: 'a=1; b=2', 'x-byte': 'é\xa0' });
    expect(seen.fields.filter(([name]) => /forwarded-for/i.test(name))).toEqual([['X-Forwarded-For', '127.0.0.1']]);
    expect(sent).toMatchObject({ 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'www.test' });
    expect(sent).not.toHaveProperty('te');
    expect(await proxy.request('/headers')).toMatchObject({
      version: '2',
      host: 'www.test',
      status: 200,
      upstream: 'web',
    });
  });

  it('carries a body of known length, and one of unknown length in chunks', async () => {
    const { apache, browser } = await website(stage);
    const body = 'x'.repeat(1_000_000);
    const sized = { ':method': 'POST', ':path': '/upload', 'content-length': body.length };
    expect(JSON.parse((await browser.fetch(sized, body)).body)).toMatchObject({ bytes: body.length, whole: true });
    const put = { ':method': 'PUT', ':path': '/upload' };
    expect(JSON.parse((await browser.fetch(put, body)).body)).toMatchObject({ bytes: body.length, whole: true });
    const framing = apache.requests.map(({ fields }) => fields.find(([name]) => /^(content-l|transfer)/i.test(name)));
    expect(framing).toEqual([
      ['content-length', '1000000'],
      ['transfer-encoding', 'chunked'],
    ]);
  });

  it('is one visit with all others of its connection, where a cookie brings clients back to their server', async () => {
    const port = await stage.server(echoing('web'));
    const browser = await browse(stage, await site(stage, port, { web: ', affinity: cookie' }));
    const cookiesOf = async (headers = {}): Promise<unknown[]> => {
      const answers = await Promise.all([1, 2, 3].map(() => browser.fetch({ ':path': '/', ...headers })));
      return answers.flatMap(({ headers: { 'set-cookie': cookies } }) => cookies ?? []);
    };
    const given = (await cookiesOf()) as string[];
    expect(given).toHaveLength(3);
    expect(new Set(given).size).toBe(1);
    expect(given[0]).toMatch(/^outrigger=[\w-]{22}; .*; Secure$/);
    expect(await cookiesOf({ cookie: given[0]?.split(';')[0] })).toEqual([]);
  });

  it('says of a POST without a body that its length is 0', async () => {
    const { heads, browser } = await serving(stage, 'HTTP/1.1 204 No Content\r\n\r\n');
    expect((await browser.fetch({ ':method': 'POST', ':path': '/' })).status).toBe(204);
    expect(heads[0]).toMatch(/\r\ncontent-length: 0\r\n/);
    expect(heads[0]).not.toMatch(/transfer-encoding/i);
  });

  it('answers fifty at once, each with its own answer', async () => {
    const { browser, apache } = await website(stage);
    const paths = Array.from({ length: 50 }, (_, index) => `/headers?n=${index}`);
    const answers = await Promise.all(paths.map((path) => browser.fetch(path)));
    expect(answers.map(({ body }) => JSON.parse(body).target)).toEqual(paths);
    expect(new Set(apache.requests.map(({ connection }) => connection)).size).toBeLessThanOrEqual(50);
  });

  it('takes a kept connection to the server for the next stream of the same client, and of no other', async () => {
    const warnings: string[] = [];
    const warn = ({ name }: Error): unknown => warnings.push(name);
    process.on('warning', warn); // node's way to say that listeners pile up
    const { browser, apache, proxy } = await website(stage);
    for (let request = 0; request < 15; request += 1) await browser.fetch('/a');
    await (await browse(stage, proxy)).fetch('/b');
    expect(apache.requests.map(({ connection }) => connection)).toEqual([...Array(15).fill(1), 2]);
    process.off('warning', warn);
    expect(warnings).toEqual([]);
  });

  it('passes through the rewrite lane like any other', async () => {
    const { browser, apache } = await website(stage);
    expect((await browser.fetch('/mapped/x')).status).toBe(200);
    expect(apache.requests[0]?.target).toBe('/plain/x');
  });

  it('is judged by the same rules', async () => {
    const { browser, proxy, apache } = await website(stage);
    expect(await browser.fetch('/denied/x')).toMatchObject({ status: 403 });
    expect(await browser.fetch('/%64enied')).toMatchObject({ status: 403 });
    expect(await browser.fetch({ ':method': 'RPC_IN_DATA', ':path': '/rpc/rpcproxy.dll' })).toMatchObject({
      status: 405,
    });
    expect(await browser.fetch({ ':method': 'CONNECT' }).catch(String)).toMatchObject({ status: 405 });
    await expect(browser.fetch('/reset')).rejects.toThrow(/INTERNAL_ERROR/);
    expect(apache.requests).toEqual([]);
    expect(await proxy.request('/denied')).toMatchObject({ code: 'DENIED', version: '2' });
    expect((await browser.fetch('/still')).status).toBe(200);
  });

  it('with a method in lower case is asked for over HTTP/1.1, which carries it as it is', async () => {
    const { browser, apache } = await website(stage);
    await expect(browser.fetch({ ':method': 'patch', ':path': '/' })).rejects.toThrow(/HTTP_1_1_REQUIRED/);
    expect(apache.requests).toEqual([]);
  });

  it('is told 502 where no server is reached', async () => {
    const browser = await browse(stage, await site(stage, 1));
    expect((await browser.fetch('/')).status).toBe(502);
  });
});

describe('an answer over HTTP/2', () => {
  it('has its fields in lower case, without those of the connection, repeats in order', async () => {
    const head =
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2\r\n' +
      'Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nVary: A\r\nVary: B\r\nContent-Type: text/x\r\nContent-Type: text/y\r\n\r\nok';
    const { browser } = await serving(stage, head);
    const { headers, body } = await browser.fetch('/');
    expect(body).toBe('ok');
    expect(headers).toMatchObject({ 'set-cookie': ['a=1', 'b=2'], vary: 'A, B', 'content-type': 'text/x, text/y' });
    for (const name of ['connection', 'x-hop', 'keep-alive', 'upgrade']) expect(headers).not.toHaveProperty(name);
  });

  it('has no body after HEAD, 204 and 304', async () => {
    const { browser, heads } = await serving(stage, (head) =>
      head.startsWith('HEAD')
        ? 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'
        : head.includes('/304')
          ? 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'
          : 'HTTP/1.1 204 No Content\r\n\r\n',
    );
    const head = await browser.fetch({ ':method': 'HEAD', ':path': '/' });
    expect(head).toMatchObject({ status: 200, headers: { 'content-length': '5' }, body: '' });
    expect(await browser.fetch('/304')).toMatchObject({ status: 304, headers: { etag: '"x"' } });
    expect(await browser.fetch('/204')).toMatchObject({ status: 204, body: '' });
    expect(heads.length).toBe(3);
  });

  it('keeps 1xx heads and trailers, both ways', async () => {
    let sent = '';
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.send(
        Buffer.from('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n'),
      );
      sent = (await connection.inlet.until('x-up: 1\r\n\r\n', PATIENCE)).bytes.toString();
      const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n';
      await connection.send(Buffer.from(`${head}2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n`));
    });
    const { session } = await browse(stage, await site(stage, port));
    const head = { ':method': 'POST', ':path': '/', ':authority': 'www.test', expect: '100-continue' };
    const stream = session.request(head, { endStream: false, waitForTrailers: true });
    stream.once('continue', () => stream.end('body'));
    stream.once('wantTrailers', () => stream.sendTrailers({ 'x-up': '1' }));
    const got = await answerOf(stream);
    expect(got).toMatchObject({ status: 200, body: 'ok', trailers: { 'x-sum': '7' } });
    expect(got.interim).toContain(103);
    expect(sent).toMatch(/^4\r\nbody\r\n0\r\nx-up: 1\r\n\r\n$/);
  });

  it.each([
    ['a reset', 'of a length', 'Content-Length: 9'],
    ['a FIN', 'of a length', 'Content-Length: 9'],
    ['a reset', 'in chunks', 'Transfer-Encoding: chunked'],
    ['a FIN', 'in chunks', 'Transfer-Encoding: chunked'],
    ['a reset', 'without a length', 'X-Length: none'],
  ])('is reset, not ended, where the server broke off with %s a body %s', async (how, _framing, field) => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.send(Buffer.from(`HTTP/1.1 200 OK\r\n${field}\r\n\r\n4\r\ncut`));
      if (how === 'a FIN') connection.finish();
      else {
        await connection.inlet.some(50); // a reset on the heels of the bytes overtakes them
        connection.reset();
      }
    });
    const browser = await browse(stage, await site(stage, port));
    await expect(browser.fetch('/')).rejects.toThrow(/INTERNAL_ERROR/);
  });

  it('may end with the connection of the server', async () => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.send(Buffer.from('HTTP/1.0 200 OK\r\n\r\nall of it'));
      connection.finish();
    });
    const browser = await browse(stage, await site(stage, port));
    expect(await browser.fetch('/')).toMatchObject({ status: 200, body: 'all of it' });
  });

  it('may come before the request has ended', async () => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.send(answer('too large', 'Connection: close'));
      connection.finish();
    });
    const { request } = await browse(stage, await site(stage, port));
    const stream = request({ ':method': 'POST', ':path': '/' }, { endStream: false });
    stream.write('some');
    const text: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => text.push(chunk)).on('error', () => {});
    await once(stream, 'close');
    expect(Buffer.concat(text).toString()).toBe('too large');
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
  });

  it('stops the server while the client does not read, and the client while the server does not', async () => {
    let [sent, held] = [0, 0];
    const read = later<void>();
    const port = await stage.server(async (connection) => {
      const upload = (await nextHead(connection)).startsWith('POST');
      if (upload) {
        await read.promise;
        held = (await connection.inlet.some(PATIENCE)).bytes.length;
        return;
      }
      await connection.send(Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${64 << 20}\r\n\r\n`));
      const piece = Buffer.alloc(1 << 20);
      while (sent < 64 << 20 && (await connection.send(piece))) sent += piece.length;
    });
    const { request } = await browse(stage, await site(stage, port));
    request({ ':path': '/' }).on('error', () => {}); // nobody reads it
    const upload = request({ ':method': 'POST', ':path': '/' }, { endStream: false }).on('error', () => {});
    let taken = 0;
    for (let piece = 0; piece < 64; piece += 1) upload.write(Buffer.alloc(1 << 20), () => (taken += 1));
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(sent).toBeLessThan(32 << 20);
    expect(taken).toBeLessThan(32);
    read.resolve();
    await expect.poll(() => held).toBeGreaterThan(0);
  });
});

describe('the end of a connection', () => {
  it('says GOAWAY, serves what is under way, and leaves nothing behind', async () => {
    const held = heldAnswer();
    const port = await stage.server(held.serve);
    const proxy = await site(stage, port);
    const [busy, idle] = [await browse(stage, proxy), await browse(stage, proxy)];
    const fetched = busy.fetch('/');
    await once(idle.session, 'remoteSettings');
    const gone = [once(idle.session, 'goaway'), once(busy.session, 'goaway')];
    await held.begun;
    const closed = proxy.edge.close(PATIENCE);
    await Promise.all(gone);
    held.go();
    expect((await fetched).body).toBe('finished');
    await closed;
    expect(proxy.edge.connections()).toBe(0);
  });

  it('ends streams under way when the grace is over', async () => {
    const begun = later<void>();
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      begun.resolve();
    });
    const proxy = await site(stage, port);
    const fetched = (await browse(stage, proxy)).fetch('/').catch(() => 'broken off');
    await begun.promise;
    await proxy.edge.close();
    expect(await fetched).toBe('broken off');
    expect(proxy.edge.connections()).toBe(0);
  });

  it('comes by itself after a time without a stream', async () => {
    const port = await stage.server(echoing('web'));
    const proxy = await site(stage, port, { more: 'limits: { keepAlive: 200ms }' });
    const { session, fetch } = await browse(stage, proxy);
    expect((await fetch('/')).body).toBe('web 1 /');
    await once(session, 'close');
    await expect.poll(() => proxy.edge.connections()).toBe(0);
  });

  it('of a client that leaves takes its connections to servers along, a stream broken off its own', async () => {
    const ends: string[] = [];
    let begun = 0;
    const port = await stage.server(async (connection) => {
      const head = await nextHead(connection);
      begun += 1;
      await connection.inlet.whenOver();
      ends.push(head.split(' ')[1] ?? '');
    });
    const proxy = await site(stage, port);
    const { session, request } = await browse(stage, proxy);
    const [first] = ['/first', '/second'].map((path) => request({ ':path': path }).on('error', () => {}));
    await expect.poll(() => begun).toBe(2);
    first?.close(constants.NGHTTP2_CANCEL);
    await expect.poll(() => ends).toEqual(['/first']);
    session.destroy();
    await expect.poll(() => ends).toEqual(['/first', '/second']);
    await expect.poll(() => proxy.edge.connections()).toBe(0);
  });
});
