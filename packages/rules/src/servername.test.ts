import { describe, expect, it } from 'vitest';
import { upstreamOf } from './schema.ts';
import { serverNames } from './servername.ts';

/** Names for one server of an upstream with these settings, asked by a request with this Host. */
function names(
  host: string,
  server: string,
  settings: { host?: string; tls?: { serverName?: string; sni?: string } } = {},
) {
  return serverNames({ host: server }, upstreamOf({ servers: ['https://unused'], ...settings }), host);
}

describe('the name sent to a server', () => {
  it('is the one the rules give, whatever the client says', () => {
    expect(names('evil.test', '10.1.1.14', { tls: { serverName: 'Mail.Contoso.com' } })).toEqual({
      sni: 'mail.contoso.com',
      checked: 'Mail.Contoso.com',
    });
  });

  it('is the name of the server where it has one', () => {
    expect(names('contoso.com', 'mbx1.corp.test')).toEqual({ sni: 'mbx1.corp.test', checked: 'mbx1.corp.test' });
  });

  it.each(['10.1.1.14', '2001:db8::1', 'localhost'])(
    'is the Host of the request for %s, which stays what is checked',
    (server) => {
      expect(names('contoso.com', server)).toEqual({ sni: 'contoso.com', checked: server });
    },
  );

  it('is the Host that the rules send on, without its port', () => {
    expect(names('contoso.com', '10.1.1.14', { host: 'inner.test:8443' }).sni).toBe('inner.test');
  });

  it('is another than the one that is checked where the rules say so, or none', () => {
    const tls = { serverName: 'mail.contoso.com' };
    expect(names('a.test', '10.1.1.14', { tls: { ...tls, sni: 'Inner.test' } })).toEqual({
      sni: 'inner.test',
      checked: 'mail.contoso.com',
    });
    expect(names('a.test', '10.1.1.14', { tls: { ...tls, sni: 'none' } })).toEqual({ checked: 'mail.contoso.com' });
    expect(names('a.test', '10.1.1.14', { host: 'inner.test', tls: { sni: 'none' } })).toEqual({
      checked: '10.1.1.14',
    });
  });

  it.each([
    '',
    '192.0.2.1',
    '[2001:db8::1]',
    "a'b.test",
    '.test',
    'a..test',
    `${'a'.repeat(64)}.test`,
    Array(64).fill('long').join('.'),
  ])('is missing where the Host %j is no name of DNS', (host) => {
    expect(names(host, '10.1.1.14')).toEqual({ checked: '10.1.1.14' });
  });
});
