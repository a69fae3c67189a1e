import { describe, expect, it } from 'vitest';
import { type Ends, type ProxyHeaderResult, proxyHeaderBytes, readProxyHeader } from './proxyheader.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const V4: Ends = { source: { address: '203.0.113.7', port: 51_000 }, destination: { address: '192.0.2.1', port: 443 } };
const V6: Ends = {
  source: { address: '2001:db8::7', port: 1 },
  destination: { address: '2001:db8:0:1::1', port: 65_535 },
};
const v4Block = 'cb007107c0000201c73801bb';

/** Reads a header whole, at every length up to it, and with bytes behind it; all three must agree. */
function read(header: Buffer): ProxyHeaderResult {
  const whole = readProxyHeader(header);
  if (whole.kind === 'header' && whole.rest.length === 0) {
    for (let length = 0; length < header.length; length += 1) {
      expect(readProxyHeader(header.subarray(0, length))).toEqual({ kind: 'more' });
    }
    const trailing = Buffer.from('\x16\x03PROXY TCP4 \r\n', 'latin1');
    expect(readProxyHeader(Buffer.concat([header, trailing]))).toEqual({ ...whole, rest: trailing });
  }
  return whole;
}

const line = (text: string): ProxyHeaderResult => read(Buffer.from(text, 'latin1'));
const binary = (hex: string): ProxyHeaderResult => read(Buffer.from(SIGNATURE + hex, 'hex'));

describe('a PROXY header of version 1', () => {
  it('names both ends', () => {
    expect(line('PROXY TCP4 203.0.113.7 192.0.2.1 51000 443\r\n')).toMatchObject({ kind: 'header', ends: V4 });
    expect(line('PROXY TCP6 2001:db8::7 2001:db8:0:1::1 1 65535\r\n')).toMatchObject({ kind: 'header', ends: V6 });
    expect(line('PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2\r\n')).toMatchObject({
      ends: { source: { address: '203.0.113.7' } },
    });
  });

  it.each(['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n'])(
    '%j names nobody',
    (text) => {
      expect(line(text)).toEqual({ kind: 'header', rest: Buffer.alloc(0) });
    },
  );

  it.each([
    'PROXY TCP4 203.0.113.7 192.0.2.1 51000\r\n',
    'PROXY TCP4 203.0.113.7 192.0.2.1 51000 443 \r\n',
    'PROXY TCP4  203.0.113.7 192.0.2.1 51000 443\r\n',
    'PROXY TCP4 203.0.113.7 192.0.2.1 051000 443\r\n',
    'PROXY TCP4 203.0.113.7 192.0.2.1 65536 443\r\n',
    'PROXY TCP4 203.0.113.07 192.0.2.1 1 443\r\n',
    'PROXY TCP4 2001:db8::7 192.0.2.1 1 443\r\n',
    'PROXY TCP6 203.0.113.7 192.0.2.1 1 443\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 1 443\r\n',
    'PROXY UDP4 203.0.113.7 192.0.2.1 1 443\r\n',
    'PROXY toString 203.0.113.7 192.0.2.1 1 443\r\n',
    'PROXY \r\n',
    `PROXY UNKNOWN ${'x'.repeat(93)}`,
    `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`,
  ])('%j is refused', (text) => {
    expect(line(text).kind).toBe('bad');
  });
});

describe('a PROXY header of version 2', () => {
  it('names both ends, whatever fields follow them', () => {
    expect(binary(`2111000c${v4Block}`)).toMatchObject({ kind: 'header', ends: V4 });
    expect(binary(`21110010${v4Block}04000100`)).toMatchObject({ kind: 'header', ends: V4 });
    const v6 = '20010db8000000000000000000000007'.concat('20010db8000000010000000000000001', '0001ffff');
    expect(binary(`21210024${v6}`)).toMatchObject({ kind: 'header', ends: V6 });
  });

  it.each([
    ['LOCAL', '20000000'],
    ['LOCAL with addresses', `2011000c${v4Block}`],
    ['UNSPEC', '21000000'],
    ['UNIX', `213100d8${'61'.repeat(216)}`],
    ['UDP over IPv4', `2112000c${v4Block}`],
  ])('of %s leaves the connection to speak for itself', (_name, hex) => {
    expect(binary(hex)).toEqual({ kind: 'header', rest: Buffer.alloc(0) });
  });

  it.each([
    ['version 3', `3111000c${v4Block}`],
    ['an unknown command', `2211000c${v4Block}`],
    ['too little for IPv4', '2111000bcb007107c0000201c73801'],
    ['too little for IPv6', `2121000c${v4Block}`],
    ['more than 16 KiB', '21114001'],
  ])('with %s is refused', (_name, hex) => {
    expect(binary(hex).kind).toBe('bad');
  });
});

describe('anything else', () => {
  it.each(['GET / HTTP/1.1\r\n', '\x16\x03\x01', 'PROXZ', 'proxy TCP4 ', '\r\n\r\n\0\r\nQUIZ'])(
    '%j is no header',
    (text) => {
      expect(line(text)).toEqual({ kind: 'none' });
    },
  );
});

describe('a header we send', () => {
  it('is read as what it says', () => {
    for (const version of ['v1', 'v2'] as const) {
      expect(read(proxyHeaderBytes(version, V4))).toMatchObject({ ends: V4 });
      expect(read(proxyHeaderBytes(version, V6))).toMatchObject({ ends: V6 });
      expect(read(proxyHeaderBytes(version, { source: V4.source, destination: V6.destination }))).toMatchObject({
        ends: { source: V4.source, destination: V6.destination },
      });
    }
    expect(proxyHeaderBytes('v1', V4).toString()).toBe('PROXY TCP4 203.0.113.7 192.0.2.1 51000 443\r\n');
    expect(proxyHeaderBytes('v2', V4).toString('hex')).toBe(`${SIGNATURE}2111000c${v4Block}`);
  });

  it('names nobody on a connection of our own', () => {
    expect(read(proxyHeaderBytes('v1', undefined))).toEqual({ kind: 'header', rest: Buffer.alloc(0) });
    expect(read(proxyHeaderBytes('v2', undefined))).toEqual({ kind: 'header', rest: Buffer.alloc(0) });
    expect(proxyHeaderBytes('v2', undefined).toString('hex')).toBe(`${SIGNATURE}20000000`);
  });
});
