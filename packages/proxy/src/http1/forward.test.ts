// Room: what a server gets. Heads of real clients are pinned whole in fixtures/http1/*.relayed; here is each change by itself.
import { describe, expect, it } from 'vitest';
import { type Forwarding, forwardedRequestHead } from './forward.ts';
import { requestHeadReader } from './head.ts';

const PLAIN: Forwarding = {
  target: '/a',
  authority: 'www.contoso.com',
  scheme: 'https',
  client: '2001:db8::7',
  protocolTunnel: false,
  frontEndHttps: false,
};
const TUNNEL = { protocolTunnel: true };
const OWN = 'X-Forwarded-For: 2001:db8::7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: www.contoso.com\r\n';

/** The whole head that goes out for a head that comes in, both as latin1. */
function forward(text: string, changes: Partial<Forwarding> = {}): string {
  const result = requestHeadReader({ requestLine: 65_536, head: 131_072 }).push(Buffer.from(text, 'latin1'));
  if (result.kind !== 'head') throw new Error(`a test's head was not read: ${JSON.stringify(result)}`);
  return forwardedRequestHead(result.head, { ...PLAIN, ...changes }).toString('latin1');
}

/** The field lines that are left of those given, without Host and our own. */
function left(lines: string[], changes: Partial<Forwarding> = {}, version = '1.1'): string[] {
  const out = forward(`GET /a HTTP/${version}\r\nHost: www.contoso.com\r\n${lines.join('\r\n')}\r\n\r\n`, changes);
  const start = `GET /a HTTP/${version}\r\nHost: www.contoso.com\r\n`;
  expect(out.startsWith(start)).toBe(true);
  expect(out.endsWith(`${OWN}\r\n`)).toBe(true);
  const between = out.slice(start.length, -`${OWN}\r\n`.length);
  return between === '' ? [] : between.slice(0, -2).split('\r\n');
}

describe('a relayed request head', () => {
  it('is the client’s bytes with our fields before the blank line', () => {
    const head = 'FROB /a?%zz="\xe4" HTTP/1.0\r\nhost:www.contoso.com \r\nX-Odd:\t \xff \r\nCookie: b\r\ncookie: a\r\n';
    expect(forward(`${head}\r\n`)).toBe(`${head}${OWN}\r\n`);
    expect(forward(`${head}\r\n`, TUNNEL)).toBe(`${head}${OWN}\r\n`);
  });

  it('tells Exchange about TLS where the upstream wants it', () => {
    expect(forward('GET /a HTTP/1.1\r\nHost: x\r\n\r\n', { frontEndHttps: true })).toContain(
      '\r\nFront-End-Https: On\r\n\r\n',
    );
  });

  it.each([
    'x-forwarded-for',
    'X-FORWARDED-PROTO',
    'X-Forwarded-Host',
    'X_Forwarded_For',
    'X.Forwarded-For',
    'X-Forwarded-Port',
  ])('loses the client’s own %s, however often it comes', (name) => {
    expect(left([`${name}: 192.0.2.1`, 'A: b', `${name}: 192.0.2.2`])).toEqual(['A: b']);
    expect(left([`${name}: 192.0.2.1`, 'A: b', `${name}: 192.0.2.2`], TUNNEL)).toEqual(['A: b']);
  });

  it.each(['Front-End-Https: On', 'front_end_https: on', 'Forwarded: for=192.0.2.1', 'X-Real-IP: 192.0.2.1'])(
    'loses the client’s claim %s',
    (line) => {
      expect(left([line])).toEqual([]);
      expect(left([line], TUNNEL)).toEqual([]);
    },
  );

  it('keeps names that only resemble a claim', () => {
    const lines = ['X-Forward-For: a', 'XX-Forwarded-For: b', 'Forwarded-By: c', 'X-Real-IPs: d', 'XForwarded-For: e'];
    expect(left(lines)).toEqual(lines);
  });
});

describe('Host and request line', () => {
  it('are replaced where the target was a URL, and only there', () => {
    const out = forward('GET http://www.contoso.com HTTP/1.1\r\nA: b\r\nhost: other.example\r\nC: d\r\n\r\n', {
      target: '/',
    });
    expect(out).toBe(`GET / HTTP/1.1\r\nA: b\r\nhost: www.contoso.com\r\nC: d\r\n${OWN}\r\n`);
  });

  it('give way to the host of the upstream, in the place and spelling of the client’s', () => {
    const out = forward('GET /a HTTP/1.1\r\nA: b\r\nHOST: www.contoso.com\r\n\r\n', { host: 'exch1.local' });
    expect(out).toBe(`GET /a HTTP/1.1\r\nA: b\r\nHOST: exch1.local\r\n${OWN}\r\n`);
  });

  it('are completed where HTTP/1.0 named no host, or an empty one', () => {
    expect(forward('GET /a HTTP/1.0\r\nA: b\r\n\r\n')).toBe(
      `GET /a HTTP/1.0\r\nHost: www.contoso.com\r\nA: b\r\n${OWN}\r\n`,
    );
    expect(forward('GET /a HTTP/1.0\r\nHost:\r\n\r\n')).toBe(`GET /a HTTP/1.0\r\nHost: www.contoso.com\r\n${OWN}\r\n`);
  });

  it('never name two hosts', () => {
    const twice = 'GET /a HTTP/1.1\r\nHost: www.contoso.com\r\nhost: other.example\r\n\r\n';
    expect(forward(twice)).toBe(`GET /a HTTP/1.1\r\nHost: www.contoso.com\r\n${OWN}\r\n`);
  });

  it('stay without a host where none is known', () => {
    const own = 'X-Forwarded-For: 2001:db8::7\r\nX-Forwarded-Proto: https\r\n';
    expect(forward('GET /a HTTP/1.0\r\n\r\n', { authority: '' })).toBe(`GET /a HTTP/1.0\r\n${own}\r\n`);
  });

  it('stay for OPTIONS *', () => {
    expect(forward('OPTIONS * HTTP/1.1\r\nHost: www.contoso.com\r\n\r\n', { target: '*' })).toMatch(
      /^OPTIONS \* HTTP\/1\.1\r\nHost: www/,
    );
  });
});

describe('Connection', () => {
  it.each(['Connection: close', 'connection:  Keep-Alive ', 'Connection: keep-alive, , close', 'Connection:'])(
    'stays byte for byte where every option passes: %j',
    (line) => {
      expect(left([line])).toEqual([line]);
    },
  );

  it('loses other options, and the fields they name go with them', () => {
    expect(left(['Connection: close, X-Secret', 'x-secret: 1', 'A: b'])).toEqual(['Connection: close', 'A: b']);
    expect(left(['Connection: X-Secret', 'X-Secret: 1', 'Connection: keep-alive'])).toEqual(['Connection: keep-alive']);
  });

  it('cannot strip what frames, routes or identifies a request', () => {
    const lines = ['Content-Length: 5', 'A: b'];
    expect(left(['Connection: Content-Length, Host, X-Forwarded-For, Transfer-Encoding', ...lines])).toEqual(lines);
  });

  it('of a tunnel stays as it came, unless it names such a field', () => {
    const odd = ['Connection: Keep-Alive, X-Secret', 'X-Secret: 1'];
    expect(left(odd, TUNNEL)).toEqual(odd);
    const hostile =
      'Connection: Keep-Alive, x-forwarded-for, X_Forwarded_Proto, Content-Length, Host, Front-End-Https, close';
    expect(left(['Connection: Keep-Alive X-Forwarded-For, close'], TUNNEL)).toEqual(['Connection: close']);
    expect(left([hostile, 'Content-Length: 5'], TUNNEL)).toEqual([
      'Connection: Keep-Alive, close',
      'Content-Length: 5',
    ]);
  });

  it.each([
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'TE: trailers',
    'Proxy-Authorization: Basic eA==',
    'HTTP2-Settings: AAM',
  ])('or not, %s is for this hop', (line) => {
    expect(left([line])).toEqual([]);
    expect(left([line], TUNNEL)).toEqual([]);
  });

  it('leaves Trailer, Expect and Pragma alone', () => {
    const lines = ['Trailer: Digest', 'Expect: 100-continue', 'Pragma: ResourceTypeUuid=44e265dd, SessionId=fbd9c34f'];
    expect(left(lines)).toEqual(lines);
    expect(left(lines, TUNNEL)).toEqual(lines);
  });
});

describe('Upgrade', () => {
  const connection = 'Connection: Upgrade';

  it('passes to websocket, whatever the key looks like', () => {
    const lines = ['Connection: keep-alive, Upgrade', 'Upgrade: WebSocket', 'Sec-Websocket-Key: QRQI]PEQGIHN_UN'];
    expect(left(lines)).toEqual(lines);
    expect(left(lines, TUNNEL)).toEqual(lines);
  });

  it('never passes to h2c', () => {
    expect(left(['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAM'])).toEqual([]);
    expect(left([connection, 'Upgrade: h2c'], TUNNEL)).toEqual([connection]);
    expect(left(['Connection: Upgrade, close', 'Upgrade: h2c'])).toEqual(['Connection: close']);
  });

  it('passes to websocket alone where more is offered', () => {
    expect(left([connection, 'Upgrade: h2c, websocket, TLS/1.0'])).toEqual([connection, 'Upgrade: websocket']);
    expect(left([connection, 'Upgrade: h2c', 'Upgrade: websocket'])).toEqual([connection, 'Upgrade: websocket']);
  });

  it('counts only with its Connection option and not in HTTP/1.0', () => {
    expect(left(['Upgrade: websocket'])).toEqual([]);
    expect(left([connection, 'Upgrade: websocket'], {}, '1.0')).toEqual([]);
  });
});
