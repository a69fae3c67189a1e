import { describe, expect, it } from 'vitest';
import { redirection } from './redirect.ts';
import { compileRules } from './route.ts';
import type { RuleSet } from './schema.ts';
import { type Asked, factsOf, findings, load, rulesText } from './testing/rules.ts';

const TLS = 'tls: { certificates: [{ cert: a, key: b }] }';

function rulesWith(tlsPort: number, settings = ''): RuleSet {
  const listen = `[{ address: '*:80', redirect: https ${settings} }, { address: '*:${tlsPort}', ${TLS} }]`;
  return load(`${rulesText({ listen })}trustedProxies: [10.0.0.1]\n`);
}

/** Status and place, or the code of the refusal, or `routed`. */
function answer(asked: Asked, rules = rulesWith(443), peer = '192.0.2.7'): string {
  const [listener] = rules.listen;
  if (listener === undefined) throw new Error('a rule set has a listener');
  const result = redirection(compileRules(rules), listener, factsOf(rules, asked), peer);
  if (result === undefined) return 'routed';
  return result.kind === 'redirect' ? `${result.status} ${result.location}` : `${result.status} ${result.code}`;
}

describe('a listener that redirects', () => {
  it.each<[Asked, string]>([
    [{ target: '/owa/?a=%20b' }, '301 https://contoso.com/owa/?a=%20b'],
    [{ method: 'HEAD', host: 'CONTOSO.com.:80' }, '301 https://contoso.com/'],
    [{ method: 'POST', host: 'contoso.com:8080' }, '308 https://contoso.com/'],
    [{ target: '//evil.test/' }, '301 https://contoso.com//evil.test/'],
    [{ target: 'http://mail.contoso.com/x', host: 'evil.test' }, '301 https://mail.contoso.com/x'],
    [{ method: 'OPTIONS', target: '*' }, '308 https://contoso.com/'],
    [{ host: '[2001:db8::1]' }, '301 https://[2001:db8::1]/'],
    [{ host: undefined, version: '1.0' }, '400 REDIRECT_NO_HOST'],
    [{ method: 'RPC_IN_DATA', target: '/rpc/rpcproxy.dll?a:6001' }, '405 REDIRECT_TUNNEL'],
    [{ method: 'RDG_OUT_DATA', target: '/.well-known/acme-challenge/x' }, '405 REDIRECT_TUNNEL'],
    [{ target: '/.well-known/acme-challenge/token' }, 'routed'],
    [
      { target: '/.well-known/acme-challenge/../../owa' },
      '301 https://contoso.com/.well-known/acme-challenge/../../owa',
    ],
    [{ target: '/.well-known/acme-challenge/%2e%2e/x' }, '301 https://contoso.com/.well-known/acme-challenge/%2e%2e/x'],
    [
      { target: '/.well-known/acme-challenge/..%2f..%2fowa' },
      '301 https://contoso.com/.well-known/acme-challenge/..%2f..%2fowa',
    ],
    [{ target: '/.well-known/acme-challenge' }, '301 https://contoso.com/.well-known/acme-challenge'],
  ])('answers %j with %s', (asked, expected) => {
    expect(answer(asked)).toBe(expected);
  });

  it('names the port of the TLS listener where that is not 443', () => {
    expect(answer({ host: 'contoso.com:80' }, rulesWith(8443))).toBe('301 https://contoso.com:8443/');
  });

  it('takes the host of the listener where the request names none', () => {
    const rules = rulesWith(443, ', defaultHost: contoso.com');
    expect(answer({ host: undefined, version: '1.0' }, rules)).toBe('301 https://contoso.com/');
  });

  it('does not send round in circles a client whose TLS ends at a trusted proxy', () => {
    const fields: [string, string][] = [['X-Forwarded-Proto', 'https']];
    expect(answer({ fields }, undefined, '10.0.0.1')).toBe('routed');
    expect(answer({ fields })).toBe('301 https://contoso.com/');
  });
});

it.each([
  [`[{ address: '*:443', redirect: https, ${TLS} }]`, /redirect for ever.*RULES_BAD_REDIRECT/],
  ["[{ address: '*:80', redirect: https }]", /no listener with tls.*RULES_BAD_REDIRECT/],
  ["[{ address: '*:80', redirect: http }]", /RULES_SHAPE/],
])('finds fault with %s', (listen, finding) => {
  expect(findings(rulesText({ listen }))).toEqual([expect.stringMatching(finding)]);
});
