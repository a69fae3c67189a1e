// Room: what the head readers do over time: limits, waiting, one head after another, and response heads. Verdicts on single
// request heads are in fixtures/http1.
import { describe, expect, it } from 'vitest';
import { FIELD_LINES, type HeadReader, requestHeadReader, responseHeadReader } from './head.ts';
import { readHead } from './testing/wire.ts';

const LIMITS = { requestLine: 64, head: 256 };
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const readRequest = (text: string, limits = LIMITS) => readHead(() => requestHeadReader(limits), latin1(text));
const readResponse = (text: string, head = 4_096) => readHead(() => responseHeadReader({ head }), latin1(text));

/** A GET whose request line, CRLF included, has that many bytes. */
function requestLineOf(bytes: number): string {
  const frame = 'GET / HTTP/1.1\r\n'.length;
  return `GET /${'x'.repeat(bytes - frame)} HTTP/1.1\r\n`;
}

/** A request head of that many bytes, blank line included. */
function headOf(bytes: number): string {
  const frame = 'GET / HTTP/1.1\r\nX: \r\n\r\n'.length;
  return `GET / HTTP/1.1\r\nX: ${'x'.repeat(bytes - frame)}\r\n\r\n`;
}

describe('limits of a request head', () => {
  it('lets a request line of exactly the limit through and answers 414 to one byte more', () => {
    expect(readRequest(`${requestLineOf(64)}\r\n`)).toMatchObject({ kind: 'head' });
    expect(readRequest(`${requestLineOf(65)}\r\n`)).toMatchObject({ code: 'REQUEST_LINE_TOO_LONG', status: 414 });
  });

  it('lets a head of exactly the limit through and answers 431 to one byte more', () => {
    expect(readRequest(headOf(256))).toMatchObject({ kind: 'head' });
    expect(readRequest(headOf(257))).toMatchObject({ code: 'HEAD_TOO_LARGE', status: 431 });
  });

  it('finds both without waiting for a line to end', () => {
    expect(readRequest(`GET /${'x'.repeat(60)}`)).toMatchObject({ status: 414 });
    expect(readRequest(`GET / HTTP/1.1\r\nX: ${'x'.repeat(300)}`)).toMatchObject({ status: 431 });
    expect(readRequest(`GET / HTTP/1.1\r\n${'x'.repeat(300)}`)).toMatchObject({ status: 431 });
  });

  it('counts a head from its request line, so that an empty line before it costs nothing', () => {
    expect(readRequest(`\r\n${headOf(256)}`)).toMatchObject({ kind: 'head' });
  });

  it('counts field lines, whatever their size', () => {
    const limits = { requestLine: 64, head: 128 * 1024 };
    const head = (lines: number): Buffer => latin1(`GET / HTTP/1.1\r\n${'a:\r\n'.repeat(lines)}\r\n`);
    expect(requestHeadReader(limits).push(head(FIELD_LINES))).toMatchObject({ kind: 'head' });
    expect(requestHeadReader(limits).push(head(FIELD_LINES + 1))).toMatchObject({
      code: 'TOO_MANY_FIELDS',
      status: 431,
    });
  });

  it('never holds more than the limit and one chunk', () => {
    const reader = requestHeadReader(LIMITS);
    let most = 0;
    for (let pushed = 0; pushed < 10; pushed++) {
      reader.push(latin1(`GET / HTTP/1.1\r\nX: ${'x'.repeat(80)}`));
      most = Math.max(most, reader.buffered);
    }
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(LIMITS.head + 100);
  });

  it('reads a large head that comes byte by byte at linear cost', () => {
    // Searching or copying from the start for each byte would touch 137,000 million bytes: half a minute at the least.
    const bytes = latin1(headOf(512 * 1024));
    const reader = requestHeadReader({ requestLine: 1_024, head: 512 * 1024 });
    const started = performance.now();
    for (let at = 0; at < bytes.length - 1; at++) reader.push(bytes.subarray(at, at + 1));
    expect(reader.push(bytes.subarray(-1))).toMatchObject({ kind: 'head' });
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe('a reader of heads', () => {
  it('gives fields as spelled, in order, and the exact bytes', () => {
    const text = 'POST /a?b HTTP/1.0\r\nhOsT: x\r\nX-A:\t 1\t2 \r\nx-a:\r\n\r\n';
    expect(readRequest(text)).toEqual({
      kind: 'head',
      head: {
        method: 'POST',
        target: '/a?b',
        version: '1.0',
        fields: [
          ['hOsT', 'x'],
          ['X-A', '1\t2'],
          ['x-a', ''],
        ],
        raw: latin1(text),
        text,
      },
      rest: Buffer.alloc(0),
    });
  });

  it('leaves skipped empty lines out of the bytes to send on', () => {
    expect(readRequest('\r\n\r\nGET / HTTP/1.1\r\n\r\n')).toMatchObject({
      head: { raw: latin1('GET / HTTP/1.1\r\n\r\n') },
    });
  });

  it('is ready for the next head after each', () => {
    const reader = requestHeadReader(LIMITS);
    const first = reader.push(latin1('GET /1 HTTP/1.1\r\n\r\nGET /2 HT'));
    expect(first).toMatchObject({ kind: 'head', head: { target: '/1' }, rest: latin1('GET /2 HT') });
    if (first.kind !== 'head') return;
    expect(reader.push(first.rest)).toEqual({ kind: 'more' });
    expect(reader.push(latin1('TP/1.1\r\n'))).toEqual({ kind: 'more' });
    expect(reader.push(latin1('\r\nbody'))).toMatchObject({
      kind: 'head',
      head: { target: '/2' },
      rest: latin1('body'),
    });
  });

  it('names the line and not its contents when it refuses', () => {
    const result = readRequest('GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic c2VjcmV0\x01\r\n\r\n');
    expect(result).toMatchObject({ code: 'CONTROL_BYTE' });
    expect(result).toHaveProperty('message', expect.stringContaining('Line 3 of the head'));
    expect(result).toHaveProperty('message', expect.not.stringContaining('c2VjcmV0'));
  });

  it('guesses TLS from the first byte', () => {
    expect(readRequest('\x16')).toMatchObject({ message: expect.stringContaining('TLS') });
    expect(readRequest('\x80')).toMatchObject({ message: expect.not.stringContaining('TLS') });
  });
});

describe('response heads', () => {
  it('are read with their reason', () => {
    expect(readResponse('HTTP/1.1 200 Success\r\nContent-Type: application/rpc\r\n\r\n')).toMatchObject({
      kind: 'head',
      head: { version: '1.1', status: 200, reason: 'Success', fields: [['Content-Type', 'application/rpc']] },
    });
  });

  it('may carry an RPC error of 1,024 bytes in the reason, with bytes of any alphabet', () => {
    const reason = `RPC Error: 6ba, EEInfo: \xe4${'A'.repeat(999)}`;
    expect(reason).toHaveLength(1_024);
    expect(readResponse(`HTTP/1.0 503 ${reason}\r\n\r\n`)).toMatchObject({
      head: { version: '1.0', status: 503, reason },
    });
  });

  it.each(['HTTP/1.1 200 \r\n\r\n', 'HTTP/1.1 200\r\n\r\n'])('may have no reason: %j', (text) => {
    expect(readResponse(text)).toMatchObject({ head: { status: 200, reason: '', raw: latin1(text) } });
  });

  it('come one after another: 100, 103 and the answer', () => {
    const reader: HeadReader<{ status: number }> = responseHeadReader({ head: 1_024 });
    let bytes = latin1(
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbody',
    );
    const statuses: number[] = [];
    for (let result = reader.push(bytes); result.kind === 'head'; result = reader.push(bytes)) {
      statuses.push(result.head.status);
      bytes = result.rest;
      if (statuses.length === 3) break;
    }
    expect(statuses).toEqual([100, 103, 200]);
    expect(bytes).toEqual(latin1('body'));
  });

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 'NOT_HTTP'],
    ['a status below 100', 'HTTP/1.1 99 Low\r\n\r\n', 'STATUS_LINE'],
    ['a status with a leading zero', 'HTTP/1.1 099 Low\r\n\r\n', 'STATUS_LINE'],
    ['a status of four digits', 'HTTP/1.1 2000 Long\r\n\r\n', 'STATUS_LINE'],
    ['two spaces', 'HTTP/1.1  200 OK\r\n\r\n', 'STATUS_LINE'],
    ['no space', 'HTTP/1.1 200OK\r\n\r\n', 'STATUS_LINE'],
    ['no status', 'HTTP/1.1\r\n\r\n', 'STATUS_LINE'],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n', 'VERSION'],
    ['an empty line before it', '\r\nHTTP/1.1 200 OK\r\n\r\n', 'EMPTY_LINES'],
    ['bare LF', 'HTTP/1.1 200 OK\nServer: x\n\n', 'BARE_LF'],
    ['bare CR', 'HTTP/1.1 200 O\rK\r\n\r\n', 'BARE_CR'],
    ['a folded line', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n', 'OBS_FOLD'],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n', 'FIELD_NAME'],
    ['a NUL', 'HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n', 'CONTROL_BYTE'],
    ['a status line without end', `HTTP/1.1 200 ${'O'.repeat(5_000)}`, 'HEAD_TOO_LARGE'],
  ])('are refused as 502 with %s', (_case, text, code) => {
    expect(readResponse(text)).toMatchObject({ kind: 'bad', code, status: 502 });
  });
});
