import { describe, expect, it } from 'vitest';
import { outrigger, withFolder } from '../testing/terminal.ts';
import type { Explanation } from './explained.ts';

const RULES = `listen:
  - { address: 203.0.113.10:443, defaultHost: contoso.com, tls: { certificates: [{ cert: a, key: b }] } }
  - { address: 203.0.113.10:80, name: plain }
  - { address: 203.0.113.11:80, name: porter, redirect: https }
  - address: 203.0.113.12:443
    name: sni
    tls: { certificates: [{ cert: a, key: b }] }
    passThrough: [{ hosts: tls.contoso.com, to: exchange }]
upstreams:
  exchange: { servers: [https://10.1.1.14:443], rpcOverHttp: true, rpcEndpoints: 'mbx1:6001-6004' }
  apache: { servers: [http://127.0.0.1:8080], requestHeaders: { remove: Via, set: { X-A: '{client}' } } }
access:
  - deny: { path: { prefix: /ecp }, clients: ['!10.0.0.0/8'] }
  - deny: { path: { prefix: /gone } }
    answer: reset
  - { deny: { hosts: foreign.example }, answer: misdirected }
  - deny: { hosts: busy.contoso.com, connectionsOver: 60 }
  - { deny: { path: { prefix: /moved } }, answer: { redirect: 'https://{host}/new' } }
  - allow: {}
routes:
  # from squid.conf:18 acl exch_url url_regex -i contoso.com/owa
  - when: { url: { regex: contoso.com/owa, ignoreCase: true } }
    to: exchange
  - when: { hosts: mail.contoso.com, path: { prefix: /ecp } }
    to: exchange
  - when: { listeners: plain, path: { exact: /b%c3%a4r } }
    to: exchange
  - { when: { hosts: both.contoso.com }, to: apache, fallback: exchange }
  - to: apache
trustedProxies: [192.0.2.250]
`.replace('/b%c3%a4r', '/bär');

async function explained(...args: string[]): Promise<Explanation & { code: number }> {
  let result: (Explanation & { code: number }) | undefined;
  await withFolder({ 'rules.yaml': RULES }, async (path) => {
    const { code, out, err } = await outrigger('explain', path('rules.yaml'), ...args, '--json');
    expect(err).toBe('');
    result = { code, ...(JSON.parse(out) as Explanation) };
  });
  if (result === undefined) throw new Error('explain printed nothing');
  return result;
}

describe('explain --json', () => {
  it('names the fallback of the route, and why one is passed over', async () => {
    expect((await explained('GET', 'https://both.contoso.com/')).fallback).toEqual([
      {
        upstream: 'exchange',
        servers: [expect.objectContaining({ url: 'https://10.1.1.14:443', sni: 'both.contoso.com' })],
      },
    ]);
    const { fallback, http2 } = await explained('GET', 'https://both.contoso.com/%00');
    expect(fallback).toEqual([expect.objectContaining({ passedOver: expect.stringMatching(/^the path holds/) })]);
    expect(http2.because).toMatch(/may lead to exchange, which takes RPC/);
  });

  it('names access, upstream, lane, the deciding lines and where they were imported from', async () => {
    expect(await explained('GET', 'https://contoso.com/OWA/x')).toMatchObject({
      code: 0,
      access: 'allow',
      upstream: 'exchange',
      servers: [{ url: 'https://10.1.1.14:443', sni: 'contoso.com' }],
      lane: 'relay',
      route: {
        line: 22,
        importedFrom: [{ file: 'squid.conf', line: 18, directive: 'acl exch_url url_regex -i contoso.com/owa' }],
      },
      accessLine: { line: 19, importedFrom: [] },
      listener: '203.0.113.10:443',
    });
  });

  it('judges a client behind a trusted proxy by the address that one names', async () => {
    const request = ['GET', 'https://mail.contoso.com/ecp', '--header', 'X-Forwarded-For: 10.1.2.3'];
    expect(await explained(...request, '--from', '192.0.2.250')).toMatchObject({
      code: 0,
      client: '10.1.2.3',
      connectsFrom: '192.0.2.250',
    });
    expect(await explained(...request, '--from', '192.0.2.251')).toMatchObject({ code: 3, client: '192.0.2.251' });
    expect(
      await explained('GET', 'https://a.test/', '--header', 'X-Forwarded-For: x', '--from', '192.0.2.250'),
    ).toMatchObject({ code: 3, refusal: { status: 400, code: 'FORWARDED_FOR_MALFORMED' } });
  });

  it('asks as a client with so many connections open', async () => {
    const request = ['GET', 'https://busy.contoso.com/', '--connections'];
    expect(await explained(...request, '60')).toMatchObject({ code: 0 });
    expect(await explained(...request, '61')).toMatchObject({ code: 3 });
  });

  it('tells where a listener redirects to, and that channels are not', async () => {
    const porter = ['--listener', 'porter'];
    expect(await explained('GET', 'http://a.test/x', ...porter)).toMatchObject({
      code: 0,
      redirect: { status: 301, location: 'https://a.test/x' },
      upstream: null,
    });
    expect(await explained('RPC_IN_DATA', 'http://a.test/rpc', ...porter)).toMatchObject({
      code: 3,
      refusal: { code: 'REDIRECT_TUNNEL' },
    });
  });

  it('says that no rule sees inside what passes through', async () => {
    const passed = { code: 0, passedThrough: true, upstream: 'exchange', accessLine: null };
    expect(await explained('GET', 'https://tls.contoso.com/ecp', '--listener', 'sni')).toMatchObject(passed);
    expect(await explained('GET', 'https://TLS.contoso.com.:443/', '--listener', 'sni')).toMatchObject(passed);
    expect(await explained('GET', 'https://contoso.com/', '--listener', 'sni')).toMatchObject({ upstream: 'apache' });
    await withFolder({ 'rules.yaml': RULES }, async (path) => {
      const { out } = await outrigger(
        'explain',
        path('rules.yaml'),
        'GET',
        'https://tls.contoso.com/',
        '--listener',
        'sni',
      );
      expect(out).toMatch(/^verdict +passed through to exchange/m);
    });
  });

  it('ends with 3 on a denial, and says how it is answered', async () => {
    expect(await explained('GET', 'https://mail.contoso.com/ECP')).toMatchObject({
      code: 3,
      access: 'deny',
      answer: 'forbidden',
      accessLine: { line: 13 },
    });
    expect(await explained('GET', 'https://contoso.com/gone')).toMatchObject({ code: 3, answer: 'reset' });
    expect(await explained('GET', 'https://contoso.com/moved')).toMatchObject({
      code: 3,
      answered: { kind: 'redirect', status: 302, location: 'https://contoso.com/new' },
    });
  });

  it('tells what becomes of header fields', async () => {
    expect(await explained('GET', 'https://contoso.com/')).toMatchObject({
      requestHeaders: { removed: ['via', 'x-a'], added: [['X-A', '192.0.2.1']] },
    });
    await withFolder({ 'rules.yaml': RULES }, async (path) => {
      const { out } = await outrigger('explain', path('rules.yaml'), 'GET', 'https://contoso.com/');
      expect(out).toMatch(/^fields +request without via\nfields +request sets X-A: 192\.0\.2\.1$/m);
    });
  });

  it('takes the address of the client', async () => {
    expect(await explained('GET', 'https://mail.contoso.com/ecp', '--from', '10.1.2.3')).toMatchObject({
      code: 0,
      upstream: 'exchange',
    });
  });

  it('routes by a Host given instead of the authority', async () => {
    expect(await explained('GET', 'https://203.0.113.10/owa')).toMatchObject({ upstream: 'apache' });
    expect(await explained('GET', 'https://203.0.113.10/owa', '--header', 'Host: contoso.com')).toMatchObject({
      upstream: 'exchange',
    });
  });

  it('keeps the port of the authority in the Host, as a client does', async () => {
    expect(await explained('GET', 'https://contoso.com:8443/owa')).toMatchObject({ upstream: 'apache' });
  });

  it('asks as an HTTP/1.0 client without Host where the header is empty', async () => {
    expect(await explained('GET', 'https://203.0.113.10/owa', '--header', 'Host:')).toMatchObject({
      code: 0,
      upstream: 'exchange',
    });
  });

  it('takes the path byte for byte', async () => {
    expect(await explained('GET', 'https://contoso.com/a/../owa')).toMatchObject({ upstream: 'apache' });
    expect(await explained('GET', 'https://contoso.com/%6fwa')).toMatchObject({ upstream: 'exchange' });
    expect(await explained('GET', 'http://203.0.113.10/b%C3%A4r')).toMatchObject({
      upstream: 'exchange',
      listener: 'plain',
    });
    expect(await explained('GET', 'http://203.0.113.10/bär')).toMatchObject({ upstream: 'exchange' });
  });

  it('takes an absolute-form target', async () => {
    expect(
      await explained('GET', 'https://www.example.org/', '--target', 'http://mail.contoso.com/owa/'),
    ).toMatchObject({ upstream: 'exchange' });
  });

  it('says whether a browser is offered HTTP/2 there, and what keeps it from that', async () => {
    const { http2 } = await explained('GET', 'https://contoso.com/');
    expect(http2).toEqual({
      offered: false,
      because: expect.stringMatching(
        /rules.yaml:22\S* may lead to exchange, which takes RPC, and RPC needs HTTP\/1.1$/,
      ),
    });
    expect((await explained('GET', 'https://203.0.113.10/')).http2.because).toMatch(/an address is no name/);
    expect((await explained('GET', 'http://contoso.com/')).http2.because).toMatch(/has no TLS/);
    const tight = RULES.replace('url: { regex: contoso.com/owa, ignoreCase: true }', 'hosts: mail.contoso.com');
    await withFolder({ 'rules.yaml': tight }, async (path) => {
      const { out } = await outrigger('explain', path('rules.yaml'), 'GET', 'https://contoso.com/');
      expect(out).toMatch(/^http\/2 +offered to browsers$/m);
    });
  });

  it('still names the upstream of a request that is refused', async () => {
    expect(await explained('RPC_IN_DATA', 'https://contoso.com/site')).toMatchObject({
      code: 0,
      access: 'allow',
      upstream: 'apache',
      refusal: { status: 405 },
    });
    expect(await explained('GET', 'https://contoso.com/owa%00')).toMatchObject({
      upstream: 'exchange',
      refusal: { status: 400, code: 'PATH_AMBIGUOUS' },
    });
  });

  it('says which RPC endpoint an upstream does not let tunnels reach', async () => {
    const ask = (endpoint: string) => explained('RPC_IN_DATA', `https://contoso.com/owa?${endpoint}`);
    expect(await ask('dc1:389')).toMatchObject({
      code: 0,
      upstream: 'exchange',
      refusal: { status: 403, code: 'ENDPOINT_REFUSED' },
    });
    expect((await ask('MBX1:6004')).refusal).toBeUndefined();
  });

  it('denies a head the proxy would not take', async () => {
    expect(await explained('GET', 'https://contoso.com/', '--header', 'Host: a', '--header', 'Host: b')).toMatchObject({
      code: 3,
      refusal: { code: 'HOST_REPEATED' },
    });
  });
});

describe('explain for a person', () => {
  it('says what servers are asked for, where their health is watched', async () => {
    const watched = RULES.replace(/(exchange:\s*\{)/, '$1 health: { path: /owa/healthcheck.htm, interval: 30s },');
    await withFolder({ 'rules.yaml': watched }, async (path) => {
      const { out } = await outrigger('explain', path('rules.yaml'), 'GET', 'https://contoso.com/owa');
      expect(out).toMatch(/^health +GET \/owa\/healthcheck\.htm every 30s; who fails it is tried last$/m);
    });
  });

  it('prints the verdict, the lines and their origin', async () => {
    await withFolder({ 'rules.yaml': RULES }, async (path) => {
      const { out, code } = await outrigger('explain', path('rules.yaml'), 'GET', 'https://contoso.com/owa');
      expect(code).toBe(0);
      expect(out).toMatch(/^verdict +allowed$/m);
      expect(out).toMatch(/^server +https:\/\/10\.1\.1\.14:443 \(SNI contoso\.com\)$/m);
      expect(out).toMatch(/^route +.*rules\.yaml:22\n +from squid\.conf:18 {2}acl exch_url/m);
    });
  });

  it('says how a denial is answered', async () => {
    await withFolder({ 'rules.yaml': RULES }, async (path) => {
      const { out, code } = await outrigger('explain', path('rules.yaml'), 'GET', 'https://foreign.example/');
      expect(code).toBe(3);
      expect(out).toMatch(/^verdict +denied: 421$/m);
    });
  });

  it.each([
    [['GET', 'contoso.com/owa'], /not an http:\/\/ or https:\/\/ URL/],
    [['GET', 'https://contoso.com/', '--from', 'nowhere'], /not an IP address/],
    [['GET X', 'https://contoso.com/'], /not a request method/],
    [['GET', 'https://contoso.com/', '--header', 'nocolon'], /a header field is written/],
    [
      ['GET', 'https://contoso.com/', '--listener', 'x'],
      /no such listener. The rules listen on 203.0.113.10:443, plain/,
    ],
    [['GET'], /missing required argument/],
  ])('%j cannot run, says why, and shows no stack', async (args, message) => {
    await withFolder({ 'rules.yaml': RULES }, async (path) => {
      const { code, err, out } = await outrigger('explain', path('rules.yaml'), ...args);
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toMatch(message);
      expect(err).not.toMatch(/\n {4}at /);
    });
  });
});
