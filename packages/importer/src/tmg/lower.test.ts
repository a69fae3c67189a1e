// What the documentation of TMG says of a request, held against the rules that the exports became.
import { join } from 'node:path';
import { compileRules, listenerName, parseLocalTime, type RuleSet, requestFacts, route } from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { importTmg, memoryReader } from '../index.ts';
import { FIXTURES, filesOfCase } from '../testing/goldencase.ts';

const imported = new Map<string, RuleSet>();

function rulesOf(name: string): RuleSet {
  const text = filesOfCase(join(FIXTURES, 'tmg', name))['export.xml'] ?? '';
  const { rules } = importTmg({ file: 'export.xml', reader: memoryReader({ 'export.xml': text }) });
  if (rules === undefined) throw new Error('no rules');
  imported.set(name, rules);
  return rules;
}

/** `deny`, or where the request goes and over what: `https://web.contoso.local:443`. */
function verdictOf(name: string, listenerAddress: string, url: string, client: string): string {
  const rules = imported.get(name) ?? rulesOf(name);
  const listener = rules.listen.find((each) => listenerName(each) === listenerAddress);
  const time = parseLocalTime('wed 12:00');
  const { host, pathname } = new URL(`https://${url}`);
  if (listener === undefined || time === undefined) throw new Error('no such listener');
  const result = requestFacts(
    { method: 'GET', target: pathname, version: '1.1', fields: [['Host', host]] },
    { listener, client, time },
  );
  if (result.kind === 'bad') throw new Error('no request');
  const { access, upstream } = route(compileRules(rules), result.facts);
  return access === 'deny' ? 'deny' : (rules.upstreams.get(upstream ?? '')?.servers.join(' ') ?? 'nowhere');
}

const WEB = 'https://web.contoso.local:443';

describe('an export that limits its rules by networks', () => {
  const LISTENER = '203.0.113.20:443';
  it.each([
    // External is all that is in no other network (SDK, FPCNetwork).
    ['www.contoso.com/', '192.0.2.7', WEB],
    ['www.contoso.com/', '2001:db8::7', WEB],
    ['www.contoso.com/', '10.1.2.3', 'deny'],
    ['www.contoso.com/', '172.16.9.9', 'deny'],
    ['www.contoso.com/', '172.17.0.1', WEB],
    // A denial in front is for its computer set alone, hosts and subnets.
    ['www.contoso.com/', '203.0.113.66', 'deny'],
    ['www.contoso.com/', '203.0.113.67', WEB],
    ['www.contoso.com/', '198.51.100.130', 'deny'],
    // An exception (IncludeStatus 1) is taken out of what is included.
    ['in.contoso.com/', '10.1.5.8', WEB],
    ['in.contoso.com/', '10.1.5.9', 'deny'],
    ['in.contoso.com/', '192.0.2.7', 'deny'],
    ['protected.contoso.com/', '172.20.0.9', WEB],
    ['protected.contoso.com/', '172.20.1.9', 'deny'],
    // A set with ranges of two networks and a subnet of half a class C.
    ['branch.contoso.com/', '172.16.0.1', WEB],
    ['branch.contoso.com/', '192.0.2.127', WEB],
    ['branch.contoso.com/', '192.0.2.128', 'deny'],
    ['managers.contoso.com/', '10.1.2.3', WEB],
    ['managers.contoso.com/', '10.1.2.32', 'deny'],
    ['managers.contoso.com/', '198.51.100.29', WEB],
    ['managers.contoso.com/', '198.51.100.30', 'deny'],
    ['allbut.contoso.com/', '10.9.9.9', WEB],
    ['allbut.contoso.com/', '192.0.2.7', 'deny'],
    // What no address says lets nobody in.
    ['nonvpn.contoso.com/', '192.0.2.7', 'deny'],
    ['odd.contoso.com/', '192.0.2.7', 'deny'],
    ['vpn.contoso.com/', '10.1.2.3', 'deny'],
    ['nobody.contoso.com/', '10.9.9.9', 'deny'],
    ['mgmt.contoso.com/', '10.1.2.3', 'deny'],
    ['users.contoso.com/', '10.1.2.3', 'deny'],
  ])('%s from %s: %s', (url, client, verdict) =>
    expect(verdictOf('limited-by-networks', LISTENER, url, client)).toBe(verdict),
  );
});

describe('an export with plain and TLS listeners', () => {
  it.each([
    ['203.0.113.30:443', 'a.contoso.com/', 'https://web.contoso.local:8443'],
    ['203.0.113.30:80', 'a.contoso.com/', 'http://web.contoso.local:8080'],
    ['203.0.113.31:80', 'a.contoso.com/', 'deny'],
    ['203.0.113.30:443', 'b.contoso.com/', 'http://web.contoso.local:80'],
    ['203.0.113.30:80', 'b.contoso.com/', 'deny'],
    ['203.0.113.31:80', 'any.example/docs/x', 'http://site.contoso.local:80'],
    ['203.0.113.31:80', 'any.example/other', 'deny'],
    ['203.0.113.30:443', 'any.example/docs/x', 'deny'],
    ['203.0.113.30:443', 'w.contoso.com/', 'deny'],
    ['203.0.113.30:443', 'ftp.contoso.com/', 'deny'],
    ['203.0.113.32:8080', 'c.contoso.com/', 'deny'],
  ])('%s %s: %s', (listener, url, verdict) =>
    expect(verdictOf('plain-and-tls', listener, url, '192.0.2.7')).toBe(verdict),
  );
});

describe('access rules that deny, in front of a site', () => {
  it.each([
    ['203.0.113.66', 'deny'],
    ['203.0.113.67', WEB],
    ['198.51.100.9', 'deny'],
    ['198.51.101.9', WEB],
    // For mail, for certain users, towards the world outside, switched off, of TMG itself: none of them is about a site.
    ['10.1.2.3', WEB],
  ])('%s: %s', (client, verdict) =>
    expect(verdictOf('firewall-denies', '203.0.113.20:443', 'www.contoso.com/', client)).toBe(verdict),
  );
});

describe('an access rule that denies a set which is not in the export', () => {
  it('denies everybody what stands behind it', () => {
    for (const [host, verdict] of [
      ['before.contoso.com', WEB],
      ['behind.contoso.com', 'deny'],
    ])
      expect(verdictOf('firewall-denies-unsaid', '203.0.113.20:443', `${host}/`, '192.0.2.7')).toBe(verdict);
  });
});

describe('rules of an enterprise', () => {
  it.each([
    ['192.0.2.7', WEB],
    ['10.1.2.3', 'deny'], // in front of those of the array, wherever in the file
    ['172.16.1.1', WEB], // behind them
  ])('%s: %s', (client, verdict) =>
    expect(verdictOf('enterprise', '203.0.113.20:443', 'www.contoso.com/', client)).toBe(verdict),
  );
});

describe('an HTTP filter', () => {
  it.each([
    ['mail.contoso.com/Microsoft-Server-ActiveSync', 'deny'], // a GET, where OPTIONS and POST are listed
    ['www.contoso.com/site/a.htm', WEB],
    ['www.contoso.com/site/a.exe', 'deny'],
    // What it refuses is refused, though a later rule would take it.
    ['www.contoso.com/shop/b.bat', 'deny'],
    ['www.contoso.com/else/b.bat', 'https://other.contoso.local:443'],
    ['bad.contoso.com/', 'deny'],
    ['empty.contoso.com/', 'deny'],
  ])('%s: %s', (url, verdict) => expect(verdictOf('http-filter', '203.0.113.20:443', url, '192.0.2.7')).toBe(verdict));
});

describe('exports of Exchange, RD Gateway and SharePoint', () => {
  it.each([
    ['isa-2006-exchange-2007', '*:443', 'mail.contoso.com/owa/', 'https://10.1.1.14:443'],
    ['isa-2006-exchange-2007', '*:443', 'mail.contoso.com/Microsoft-Server-ActiveSync', 'https://10.1.1.14:443'],
    ['isa-2006-exchange-2007', '*:443', 'autodiscover.contoso.com/autodiscover/x', 'https://10.1.1.14:443'],
    ['isa-2006-exchange-2007', '*:443', 'autodiscover.contoso.com/owa/', 'deny'],
    ['isa-2006-exchange-2007', '*:443', 'mail.contoso.com/ecp/', 'deny'],
    [
      'exchange-2010-farm',
      '203.0.113.10:443',
      'mail.contoso.com/ecp/',
      'https://cas1.contoso.local:443 https://cas2.contoso.local:443',
    ],
    ['exchange-2010-farm', '203.0.113.10:443', 'outlook.contoso.com/rpc/rpcproxy.dll', 'deny'],
    [
      'exchange-2010-farm',
      '203.0.113.11:443',
      'outlook.contoso.com/rpc/rpcproxy.dll',
      'https://10.1.1.21:443 https://10.1.1.22:443',
    ],
    ['gateway-and-sharepoint', '203.0.113.20:443', 'rdg.contoso.com/remoteDesktopGateway/', 'https://10.1.1.30:443'],
    [
      'gateway-and-sharepoint',
      '203.0.113.20:443',
      'portal.contoso.com/_vti_inf.html',
      'http://portal.contoso.local:8080',
    ],
    ['gateway-and-sharepoint', '203.0.113.20:443', 'shop.contoso.com/', 'deny'],
    ['gateway-and-sharepoint', '203.0.113.20:443', 'a.shop.contoso.com/', 'https://web.contoso.local:8443'],
    ['gateway-and-sharepoint', '203.0.113.20:443', 'old.contoso.com/', 'deny'],
    ['one-rule', '203.0.113.10:443', 'autodiscover.contoso.com/autodiscover/x', 'https://cas.contoso.local:443'],
    ['one-rule', '203.0.113.10:443', 'out.contoso.com/', 'deny'],
  ])('%s %s %s: %s', (name, listener, url, verdict) =>
    expect(verdictOf(name, listener, url, '192.0.2.7')).toBe(verdict),
  );
});
