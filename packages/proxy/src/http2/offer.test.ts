import { createSecureContext } from 'node:tls';
import { expectResponse } from '@outrigger/tools/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { echoing, openStage, rulesOf } from '../testing/stage.ts';
import { coveredHosts } from './offer.ts';
import { serving, site, website } from './testing/site.ts';

const stage = openStage();
afterEach(() => stage.close());

const anyPeer = { rejectUnauthorized: false };

describe('ALPN', () => {
  it.each([
    ['www.test', ['h2', 'http/1.1'], 'h2'],
    ['unknown.test', ['h2'], 'h2'],
    ['mail.test', ['h2', 'http/1.1'], 'http/1.1'],
    ['MAIL.test', ['h2', 'http/1.1'], 'http/1.1'],
    ['', ['h2', 'http/1.1'], 'http/1.1'],
    ['www.test', ['http/1.1'], 'http/1.1'],
    ['www.test', undefined, false],
  ])('gives a client that asks for %j and offers %j: %s', async (servername, ALPNProtocols, alpn) => {
    const proxy = await site(stage, await stage.server(echoing('web')));
    const wire = await proxy.wire({ tls: { ...anyPeer, servername, ...(ALPNProtocols && { ALPNProtocols }) } });
    expect(wire.tls?.alpn).toBe(alpn);
  });

  it('ends the handshake of a client that wants h2 alone where RPC may arrive', async () => {
    const proxy = await site(stage, 1);
    const tls = { ...anyPeer, servername: 'mail.test', ALPNProtocols: ['h2'] };
    await expect(proxy.wire({ tls })).rejects.toThrow();
    await proxy.notice('TLS_NO_COMMON_PROTOCOL');
  });

  it('is http/1.1 everywhere where the rules switch HTTP/2 off', async () => {
    const proxy = await site(stage, 1, { tls: ', http2: false' });
    const wire = await proxy.wire({ tls: { ...anyPeer, servername: 'www.test', ALPNProtocols: ['h2', 'http/1.1'] } });
    expect(wire.tls?.alpn).toBe('http/1.1');
  });

  it('leaves HTTP/1.1 clients of the same name alone', async () => {
    const proxy = await site(stage, await stage.server(echoing('web')));
    const wire = await proxy.wire({ tls: { ...anyPeer, servername: 'www.test' } });
    await wire.send('GET /x HTTP/1.1\r\nHost: anything.test\r\n\r\n');
    expect((await expectResponse(wire)).body.toString()).toBe('web 1 /x');
  });
});

describe('a login of a connection', () => {
  it.each(['NTLM', 'Negotiate'])('that the server wants with %s is asked for over HTTP/1.1', async (scheme) => {
    const { browser, proxy } = await serving(
      stage,
      `HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: ${scheme}\r\nContent-Length: 0\r\n\r\n`,
    );
    await expect(browser.fetch('/')).rejects.toThrow(/HTTP_1_1_REQUIRED/);
    await proxy.notice('HTTP2_TO_HTTP1');
  });

  it.each(['NTLM TlRMTVNTUAAB', 'negotiate YII='])(
    'that a client begins with %s never reaches the server',
    async (login) => {
      const { browser, heads } = await serving(stage, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      await expect(browser.fetch({ ':path': '/', authorization: login })).rejects.toThrow(/HTTP_1_1_REQUIRED/);
      expect(heads).toEqual([]);
    },
  );

  it('that has another way is told as it is, as is one with Basic', async () => {
    const { browser } = await serving(
      stage,
      'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n',
    );
    const { status, headers } = await browser.fetch({ ':path': '/', authorization: 'Basic bGFiOngK' });
    expect([status, headers['www-authenticate']]).toEqual([401, 'NTLM, Basic realm="x"']);
  });
});

describe('a host that the connection was not opened for', () => {
  it('is served where certificate and rules are the same', async () => {
    const { browser, apache } = await website(stage);
    expect((await browser.fetch({ ':path': '/', ':authority': 'B.test:443' })).status).toBe(200);
    expect(Object.fromEntries(apache.requests[0]?.fields ?? [])).toMatchObject({ host: 'B.test:443' });
  });

  it.each(['mail.test', 'alone.test', 'unknown.test', 'mail.test.:443'])('%s is answered 421', async (host) => {
    const { browser, apache, proxy } = await website(stage);
    expect((await browser.fetch({ ':path': '/rpc/x', ':authority': host })).status).toBe(421);
    expect(await proxy.request('/rpc')).toMatchObject({ code: 'MISDIRECTED', status: 421 });
    expect(apache.requests).toEqual([]);
  });

  it('is not served where its connections pass through to another server', () => {
    const rules = rulesOf(`
listen:
  - address: 127.0.0.1:0
    tls: { certificates: [{ cert: a, key: b }] }
    passThrough: [{ hosts: mail.test, to: exchange }]
upstreams: { web: { servers: ['http://127.0.0.1:1'] }, exchange: { servers: ['https://127.0.0.1:2'], rpcOverHttp: true } }
access: [{ allow: {} }]
routes: [{ to: web }]
`);
    const [listener] = rules.listen;
    if (listener === undefined) throw new Error('rules have a listener');
    const context = createSecureContext();
    const tls = { settings: {}, pick: () => context, clientCertificates: undefined };
    const covers = coveredHosts('www.test', listener, tls, rules);
    expect(['www.test', 'b.test', 'mail.test'].map(covers)).toEqual([true, true, false]);
  });
});
