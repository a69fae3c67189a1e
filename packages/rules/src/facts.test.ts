import { describe, expect, it } from 'vitest';
import { requestFacts, urlOf } from './facts.ts';

const listener = {
  address: '203.0.113.10:443',
  tls: { certificates: [{ cert: 'a', key: 'b' }] },
  defaultHost: 'contoso.com',
};

function facts(target: string, hosts: string[], version: '1.0' | '1.1' = '1.1', method = 'GET') {
  const fields = hosts.map((host): [string, string] => ['hOST', host]);
  return requestFacts(
    { method, target, version, fields },
    { listener, client: '192.0.2.7', time: { day: 'wed', minute: 720 } },
  );
}

function url(target: string, hosts: string[], version: '1.0' | '1.1' = '1.1'): string {
  const result = facts(target, hosts, version);
  return result.kind === 'facts' ? urlOf(result.facts) : result.code;
}

describe('the URL that rules see (import-semantics 1.3)', () => {
  it.each([
    ['/p?q', ['contoso.com'], 'https://contoso.com/p?q'],
    ['/', ['contoso.com:443'], 'https://contoso.com/'],
    ['/', ['CONTOSO.COM'], 'https://contoso.com/'],
    ['/', ['contoso.com.'], 'https://contoso.com/'],
    ['/', ['contoso.com:8443'], 'https://contoso.com:8443/'],
    ['/', ['contoso.com:80'], 'https://contoso.com:80/'],
    ['/', ['[2001:DB8::1]:8443'], 'https://[2001:db8::1]:8443/'],
    ['/', ['a_b.contoso.com'], 'https://a_b.contoso.com/'],
    ['http://mail.contoso.com/owa', ['other.example'], 'http://mail.contoso.com/owa'],
    ['HTTPS://Mail.Contoso.com:8443?x', ['other.example'], 'https://mail.contoso.com:8443/?x'],
    ['/', ['contoso.com:'], 'https://contoso.com/'],
  ])('of %s with Host %s is %s', (target, hosts, expected) => {
    expect(url(target, hosts)).toBe(expected);
  });

  it('takes the host of the listener for an HTTP/1.0 request that names none', () => {
    expect(url('/', [], '1.0')).toBe('https://contoso.com/');
  });

  it('keeps the spelling of the Host for the server behind', () => {
    const result = facts('/', ['Mail.Contoso.COM:443']);
    expect(result).toMatchObject({
      kind: 'facts',
      facts: { authority: 'Mail.Contoso.COM:443', host: 'mail.contoso.com' },
    });
  });
});

describe('requests that could be read in two ways', () => {
  it.each([
    ['/', [], 'HOST_MISSING'],
    ['/', ['a.test', 'a.test'], 'HOST_REPEATED'],
    ['/', ['a.test/b'], 'HOST_MALFORMED'],
    ['/', ['user@a.test'], 'HOST_MALFORMED'],
    ['/', ['a b'], 'HOST_MALFORMED'],
    ['/ecp', ['a%2Fb'], 'HOST_MALFORMED'],
    ['http://a%2Fb/ecp', ['a.test'], 'HOST_MALFORMED'],
    ['/', ['a.test:99999'], 'HOST_MALFORMED'],
    ['/', ['a.test:0'], 'HOST_MALFORMED'],
    ['/', ['.'], 'HOST_MALFORMED'],
    ['http:///x', ['a.test'], 'HOST_MALFORMED'],
    ['http://u@a.test/x', ['a.test'], 'HOST_MALFORMED'],
    ['http://a.test/x', ['b.test/'], 'HOST_MALFORMED'],
    ['contoso.com:443', ['a.test'], 'TARGET_MALFORMED'],
    ['g', ['a.test'], 'TARGET_MALFORMED'],
    ['*', ['a.test'], 'TARGET_MALFORMED'],
    ['ftp://a.test/', ['a.test'], 'TARGET_MALFORMED'],
  ])('%s with Host %s is refused: %s', (target, hosts, code) => {
    expect(url(target, hosts)).toBe(code);
  });

  it('takes * for OPTIONS alone', () => {
    expect(facts('*', ['a.test'], '1.1', 'OPTIONS')).toMatchObject({ kind: 'facts', facts: { target: '*' } });
  });
});
