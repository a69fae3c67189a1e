import { describe, expect, it } from 'vitest';
import { findings, rulesText } from './testing/rules.ts';

/** Findings of rules whose Exchange has these settings. */
function found(settings: string, servers = '[https://a.test, https://b.test]', routes?: string): string {
  const upstreams = `{ exchange: { servers: ${servers}, rpcOverHttp: true, ${settings} }, apache: { servers: ['http://a:1'] } }`;
  return findings(rulesText({ upstreams, ...(routes !== undefined && { routes }) })).join('\n');
}

describe('affinity', () => {
  it('is quiet where there is something to choose', () => {
    expect(found('affinity: client')).toBe('');
    expect(found('affinity: cookie, affinityCookie: { name: home, sameSite: none }')).toBe('');
  });

  it.each([
    ['a cookie without affinity: cookie', 'affinity: client, affinityCookie: { name: home }', undefined],
    ['one server', 'affinity: client', '[https://a.test]'],
  ])('warns of %s', (_, settings, servers) => {
    expect(found(settings, servers)).toMatch(/^outrigger\.yaml:2:\d+: warning: .*\[RULES_AFFINITY\]$/);
  });

  it('takes a weight for each server, and nothing else', () => {
    expect(found('affinity: client, weights: [3, 1]')).toBe('');
    expect(found('affinity: client, weights: [3]')).toMatch(/error: there are 1 weights for 2 servers.*RULES_AFFINITY/);
    expect(found('affinity: client, weights: [3, 0]')).toMatch(/error: a weight is a whole number/);
    expect(found('weights: [3, 1]')).toMatch(/warning: these weights are never used.*RULES_AFFINITY/);
  });

  it('refuses a name no cookie can have', () => {
    expect(found("affinity: cookie, affinityCookie: { name: 'a;b' }")).toMatch(/error: .*cookie name/);
  });
});

describe('connectionsPerServer', () => {
  it('warns of few for Outlook, and is quiet about many', () => {
    expect(found('connectionsPerServer: 20')).toMatch(/warning: each Outlook holds several.*RULES_CONNECTIONS/);
    expect(found('connectionsPerServer: 100')).toBe('');
    expect(found('connectionsPerServer: [200, 0]')).toBe('');
    expect(found('connectionsPerServer: [200, 20]')).toMatch(/behind the 20 first ones/);
    expect(found('connectionsPerServer: [200]')).toMatch(/error: there are 1 limits for 2 servers.*RULES_CONNECTIONS/);
    expect(found('connectionsPerServer: 0')).toMatch(/error: connections are one number from 1 on/);
  });
});

describe('health', () => {
  it.each([
    ['health: { path: health }', /begins with \//],
    ["health: { path: '/a b' }", /no blanks/],
    ['health: { path: /, interval: 0ms }', /100ms apart/],
    ['health: { path: /, expect: [100] }', /expect/],
    ['health: { pth: / }', /did you mean|Did you mean/],
  ])('refuses %s', (settings, message) => {
    expect(found(settings)).toMatch(message);
    expect(found(settings)).toMatch(/error:/);
  });
});

describe('tls.minVersion', () => {
  it.each(['1.0', '1.1'])('warns of %s', (version) => {
    expect(found(`tls: { minVersion: '${version}' }`)).toMatch(
      /^outrigger\.yaml:2:\d+: warning: .*RULES_TLS_OBSOLETE\]$/,
    );
  });

  it.each(['1.2', '1.3'])('is quiet about %s', (version) => {
    expect(found(`tls: { minVersion: '${version}' }`)).toBe('');
  });
});
