import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { type ClientHelloResult, readClientHello } from './clienthello.ts';

/** What a real client of OpenSSL writes first. */
async function helloOf(options: {
  servername?: string;
  maxVersion?: 'TLSv1.2';
  ALPNProtocols?: string[];
}): Promise<Buffer> {
  const written: Buffer[] = [];
  const wire = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk);
      done();
    },
  });
  const socket = connect({ socket: wire, rejectUnauthorized: false, ...options });
  socket.on('error', () => {});
  while (written.length === 0) await new Promise((resolve) => setImmediate(resolve));
  socket.destroy();
  wire.destroy();
  return Buffer.concat(written);
}

const u8 = (number: number): Buffer => Buffer.of(number);
const u16 = (number: number): Buffer => Buffer.of(number >> 8, number & 0xff);
const vector16 = (...pieces: Buffer[]): Buffer => {
  const body = Buffer.concat(pieces);
  return Buffer.concat([u16(body.length), body]);
};
const extension = (type: number, data: Buffer): Buffer => Buffer.concat([u16(type), vector16(data)]);
const sni = (...names: string[]): Buffer =>
  extension(0, vector16(...names.map((name) => Buffer.concat([u8(0), vector16(Buffer.from(name, 'latin1'))]))));

/** A ClientHello with these extensions, in one record. */
function hello(extensions: Buffer | undefined, tail: Buffer = Buffer.alloc(0)): Buffer {
  const fixed = [u16(0x0303), Buffer.alloc(32, 7), u8(0), vector16(u16(0x1301)), Buffer.of(1, 0)];
  const body = Buffer.concat([...fixed, ...(extensions ? [vector16(extensions)] : []), tail]);
  return record(Buffer.concat([u8(1), u8(0), u16(body.length), body]));
}

function record(fragment: Buffer): Buffer {
  return Buffer.concat([u8(22), u16(0x0301), vector16(fragment)]);
}

/** Reads a hello whole, at every length up to it, and with bytes behind it; all must agree. */
function read(bytes: Buffer): ClientHelloResult {
  const whole = readClientHello(bytes);
  if (whole.kind === 'hello') {
    for (let length = 0; length < bytes.length; length += 1) {
      expect(readClientHello(bytes.subarray(0, length))).toEqual({ kind: 'more' });
    }
    expect(readClientHello(Buffer.concat([bytes, Buffer.from('\x17\x03\x03\0')]))).toEqual(whole);
    expect(readClientHello(Buffer.concat([bytes, Buffer.from('GET')]))).toEqual(whole);
  }
  return whole;
}

describe('the name in a ClientHello', () => {
  it('of a real client is read, whatever else it offers', async () => {
    const hellos = [
      await helloOf({ servername: 'Mail.Contoso.COM' }),
      await helloOf({ servername: 'mail.contoso.com', maxVersion: 'TLSv1.2' }),
      await helloOf({ servername: 'mail.contoso.com', ALPNProtocols: ['h2', 'http/1.1'] }),
    ];
    for (const bytes of hellos) expect(read(bytes)).toEqual({ kind: 'hello', serverName: 'mail.contoso.com' });
    expect(read(await helloOf({}))).toEqual({ kind: 'hello', serverName: '' });
  });

  it('is the same however the message is cut into records', () => {
    const whole = hello(sni('mail.contoso.com.'));
    const message = whole.subarray(5);
    for (const size of [1, 3, 50]) {
      const records: Buffer[] = [];
      for (let at = 0; at < message.length; at += size) records.push(record(message.subarray(at, at + size)));
      expect(read(Buffer.concat(records))).toEqual({ kind: 'hello', serverName: 'mail.contoso.com' });
    }
  });

  it('is none where there is no extension of it, or none at all', () => {
    expect(read(hello(extension(10, Buffer.alloc(2))))).toEqual({ kind: 'hello', serverName: '' });
    expect(read(hello(undefined))).toEqual({ kind: 'hello', serverName: '' });
  });

  it.each([
    ['two extensions of it', hello(Buffer.concat([sni('a.test'), sni('b.test')]))],
    ['two names', hello(sni('a.test', 'b.test'))],
    ['an empty name', hello(sni(''))],
    ['a NUL in it', hello(sni('a.test\0.b.test'))],
    ['another byte', hello(sni('m\xfcller.test'))],
    ['another type of name', hello(extension(0, vector16(u8(1), vector16(Buffer.from('a.test')))))],
    [
      'bytes behind the list',
      hello(extension(0, Buffer.concat([vector16(u8(0), vector16(Buffer.from('a.test'))), u8(0)]))),
    ],
    ['bytes behind the extensions', hello(sni('a.test'), u8(0))],
    ['an extension over the end', hello(Buffer.concat([u16(0), u16(9), u8(0)]))],
    ['a list over the end', hello(extension(0, Buffer.concat([u16(99), u8(0)])))],
    ['another message first', record(Buffer.concat([u8(2), hello(sni('a.test')).subarray(6)]))],
    ['an empty record', record(Buffer.alloc(0))],
    ['an alert among the records', Buffer.concat([record(Buffer.of(1, 0)), Buffer.from('\x15\x03\x03\0\x02\x01\0')])],
    ['a record of more than 16 KiB', Buffer.concat([u8(22), u16(0x0301), u16(0x4001)])],
    ['a message of more than 32 KiB', record(Buffer.of(1, 0, 0x80, 0x01))],
    ['plain HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
    ['SSL 2', Buffer.from('802e0100020015', 'hex')],
    ['another version', Buffer.from('160203', 'hex')],
  ])('is left to whoever ends TLS where it has %s', (_name, bytes) => {
    expect(read(bytes)).toEqual({ kind: 'other' });
  });
});
