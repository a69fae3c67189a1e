// Room: our own few responses.
import { describe, expect, it } from 'vitest';
import { responseFraming } from './body.ts';
import { responseHeadReader } from './head.ts';
import { replyBytes } from './reply.ts';
import { readHead } from './testing/wire.ts';

describe('a reply of ours', () => {
  it('is one sentence as plain text, and closes', () => {
    expect(replyBytes(403).toString('utf8')).toBe(
      'HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 40\r\nConnection: close\r\n\r\n' +
        'This address may not be used from here.\n',
    );
  });

  it('says what it is told to', () => {
    const reply = replyBytes(503, {
      reason: 'RPC Error: 6ba',
      body: 'Zurück später.',
      headers: [['Retry-After', '5']],
      close: false,
    });
    expect(reply.toString('utf8')).toBe(
      'HTTP/1.1 503 RPC Error: 6ba\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 17\r\nRetry-After: 5\r\n\r\nZurück später.\n',
    );
  });

  it('to HEAD has the length of a body and no body', () => {
    const reply = replyBytes(405, { method: 'HEAD' }).toString('latin1');
    expect(reply).toMatch(/Content-Length: [1-9]\d*\r\n/);
    expect(reply.endsWith('\r\n\r\n')).toBe(true);
  });

  it.each([400, 403, 405, 408, 413, 414, 421, 431, 500, 501, 502, 503, 504, 505, 418])(
    '%i is read back by our own reader',
    (status) => {
      const result = readHead(() => responseHeadReader({ head: 1_024 }), replyBytes(status));
      if (result.kind !== 'head') throw new Error(JSON.stringify(result));
      expect(result.head.status).toBe(status);
      expect(responseFraming(result.head, 'GET')).toEqual({ kind: 'length', bytes: result.rest.length });
    },
  );

  it('cannot be made to carry a second head', () => {
    expect(() => replyBytes(405, { headers: [['Allow', 'GET\r\nSet-Cookie: a']] })).toThrow(TypeError);
    expect(() => replyBytes(405, { headers: [['A b', 'c']] })).toThrow(TypeError);
    expect(() => replyBytes(405, { reason: 'No\r\n\r\n' })).toThrow(TypeError);
  });
});
