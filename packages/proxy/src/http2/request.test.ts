import { connect, type OutgoingHttpHeaders } from 'node:http2';
import { afterEach, describe, expect, it } from 'vitest';
import { openStage, PATIENCE } from '../testing/stage.ts';
import { http1Request, http1Trailers } from './request.ts';
import { http2Fields, wantsConnectionLogin } from './response.ts';
import { answerOf, serving } from './testing/site.ts';

const PSEUDO = [':method', 'POST', ':scheme', 'https', ':path', '/x?y', ':authority', 'a.test'];
const fieldsOf = (more: string[], whole = true): unknown => {
  const read = http1Request([...PSEUDO, ...more], whole);
  return read.kind === 'request' ? read.fields : read.kind;
};

describe('http1Request', () => {
  it('puts Host first, joins the crumbs of a cookie, and leaves out te', () => {
    expect(fieldsOf(['cookie', 'a=1', 'te', 'trailers', 'x', '1', 'cookie', 'b=2', 'x', '2'])).toEqual([
      ['host', 'a.test'],
      ['x', '1'],
      ['x', '2'],
      ['cookie', 'a=1; b=2'],
      ['content-length', '0'],
    ]);
  });

  it('frames a body by its length, else in chunks', () => {
    expect(fieldsOf(['content-length', '5'], false)).toEqual([
      ['host', 'a.test'],
      ['content-length', '5'],
    ]);
    expect(fieldsOf([], false)).toEqual([
      ['host', 'a.test'],
      ['transfer-encoding', 'chunked'],
    ]);
  });

  it('takes Host for a missing authority, and none but an equal one beside it', () => {
    const bare = [':method', 'GET', ':scheme', 'https', ':path', '/'];
    expect(http1Request([...bare, 'host', 'B.test'], true)).toMatchObject({ fields: [['host', 'B.test']] });
    expect(http1Request([...bare, ':authority', 'b.test', 'host', 'B.test'], true).kind).toBe('request');
    expect(fieldsOf(['host', 'b.test'])).toBe('bad');
    expect(fieldsOf(['host', 'a.test', 'host', 'b.test'])).toBe('bad');
  });

  // node refuses or drops these before they come here; should it stop to, they still end here.
  it.each([
    ['X-Upper', '1'],
    ['x-a', '1\r\nEvil: 1'],
    ['x-a', '1\0'],
    ['x-a', ' 1'],
    ['x a', '1'],
    ['', '1'],
    ['connection', 'close'],
    ['transfer-encoding', 'chunked'],
    [':path', '/again'],
    [':protocol', 'websocket'],
    ['content-length', '5'],
  ])('refuses %j: %j', (name, value) => {
    expect(fieldsOf([name, value])).toBe('bad');
  });

  it.each(['NTLM', 'ntlm TlRM', 'Negotiate YII='])('sends a login with %s to HTTP/1.1', (login) => {
    expect(fieldsOf(['authorization', login])).toBe('http1');
  });

  it('lets no trailer decide what came before it', () => {
    expect(http1Trailers(['x-sum', '7'])).toEqual([['x-sum', '7']]);
    for (const name of ['host', 'content-length', 'transfer-encoding', 'authorization', 'X-Sum'])
      expect(http1Trailers([name, '7'])).toBeUndefined();
  });
});

describe('an answer', () => {
  it('keeps lines apart where joining would change them', () => {
    const raw = ['Set-Cookie', 'a=1', 'Link', '</a>', 'set-cookie', 'b=2', 'LINK', '</b>', 'HTTP2-Settings', 'x'];
    expect({ ...http2Fields(raw) }).toEqual({ 'set-cookie': ['a=1', 'b=2'], link: '</a>, </b>' });
  });

  it.each([
    [401, ['NTLM', 'Negotiate'], true],
    [401, ['Negotiate, NTLM'], true],
    [401, ['Negotiate', 'Basic realm="x"'], false],
    [401, ['Basic realm="a, ntlm"'], false],
    [401, [], false],
    [403, ['NTLM'], false],
  ])('%d with %j: a login of a connection and nothing else: %j', (status, challenges, expected) => {
    expect(wantsConnectionLogin(status, challenges)).toBe(expected);
  });
});

describe('a large head over HTTP/2', () => {
  const stage = openStage();
  afterEach(() => stage.close());

  async function ask(fields: OutgoingHttpHeaders, head: string) {
    const { proxy, heads } = await serving(stage, `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${head}\r\n`);
    const session = connect(`https://www.test:${proxy.port}`, {
      host: '127.0.0.1',
      servername: 'www.test',
      rejectUnauthorized: false,
      maxSendHeaderBlockLength: 1 << 20,
      settings: { maxHeaderListSize: 1 << 20 },
    });
    stage.keep({ close: async () => session.destroy() });
    return { answer: await answerOf(session.request({ ':path': '/', ...fields })), heads, proxy };
  }

  it('passes both ways as over HTTP/1.1', async () => {
    const large = { 'x-a': 'a'.repeat(60_000), 'x-b': 'b'.repeat(60_000) };
    const lines = `X-C: ${'c'.repeat(60_000)}\r\nX-D: ${'d'.repeat(60_000)}\r\n`;
    const { answer, heads } = await ask(large, lines);
    expect(heads[0]?.length).toBeGreaterThan(120_000);
    expect(answer).toMatchObject({ status: 200, headers: { 'x-c': 'c'.repeat(60_000), 'x-d': 'd'.repeat(60_000) } });
  });

  it('is answered 431 beyond the limit, and told', { timeout: 2 * PATIENCE }, async () => {
    const { answer, heads, proxy } = await ask({ 'x-a': 'a'.repeat(70_000), 'x-b': 'b'.repeat(70_000) }, '');
    expect(answer.status).toBe(431);
    await proxy.notice('HEAD_TOO_LARGE');
    expect(heads).toEqual([]);
  });
});
