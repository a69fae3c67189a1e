import { describe, expect, it } from 'vitest';
import { findings, rulesText } from './testing/rules.ts';

const tls = (certificate: string, more = ''): string =>
  rulesText({ listen: `[{ address: '*:443', tls: { certificates: [{ ${certificate} }]${more} } }]` });
const ASKING = ', clientCertificates: { ca: c.pem }';

describe('proxyProtocolOnly', () => {
  it('needs somebody who may connect', () => {
    const told = (settings: string): string =>
      findings(rulesText({ listen: `[{ address: '*:80', ${settings} }]` })).join('\n');
    expect(told('proxyProtocolOnly: true')).toMatch(/error: nobody is let in.*RULES_BAD_CLIENTS/);
    expect(told('proxyProtocol: [10.0.0.1], proxyProtocolOnly: true')).toBe('');
  });
});

describe('certificates in a rules file', () => {
  it.each([
    [tls('cert: a, key: b, passphraseFile: c'), undefined],
    [tls('pkcs12: a, passphraseFile: c'), undefined],
    [tls('cert: a, key: b', ASKING), undefined],
    [tls('cert: a'), /key is missing here.*RULES_SHAPE/],
    [tls('pkcs12: a, passfraseFile: b'), /passfraseFile is not a key here. Did you mean passphraseFile/],
    [tls('pkcs12: a, cert: b, key: c'), /pkcs12 is not a key here|a certificate holds cert and key, or pkcs12/],
    [tls('cert: a, key: b', ', clientCertificates: { mode: request }'), /ca is missing here/],
    [tls('pkcs12: a', ASKING), /would be trusted for clientCertificates.*RULES_PKCS12_TRUST/],
  ])('%#', (text, finding) => {
    if (finding === undefined) expect(findings(text)).toEqual([]);
    else expect(findings(text)).toEqual([expect.stringMatching(finding)]);
  });
});

it('finds fault with the peers of a PROXY header', () => {
  const listen = "[{ address: '*:80', proxyProtocol: [10.0.0.1, lb, '0.0.0.0/0'] }]";
  expect(findings(rulesText({ listen }))).toEqual([
    expect.stringMatching(/lb is not an address.*RULES_BAD_CLIENTS/),
    expect.stringMatching(/trusts everybody.*RULES_TRUSTS_EVERYBODY/),
  ]);
});

describe('pass-through in a rules file', () => {
  const UPSTREAMS = '{ exchange: { servers: [https://127.0.0.3] }, apache: { servers: [http://127.0.0.1:8080] } }';
  const passing = (entry: string, secure = true): string =>
    rulesText({
      listen: `[{ address: '*:443', passThrough: [{ ${entry} }]${secure ? ', tls: { certificates: [{ cert: a, key: b }] }' : ''} }]`,
      upstreams: UPSTREAMS,
      routes: '[{ to: apache }]',
    });
  const unseen = /no access line and no route sees inside .*RULES_PASS_THROUGH_UNSEEN/;

  it.each([
    [passing('hosts: mail.contoso.com, to: exchange'), [unseen]],
    [passing('hosts: mail.contoso.com, to: exchange', false), [/has no SNI.*RULES_BAD_PASS_THROUGH/, unseen]],
    [passing('hosts: x, to: apache'), [/speaks plain HTTP.*RULES_BAD_PASS_THROUGH/, unseen, /RULES_UNUSED_UPSTREAM/]],
    [passing('hosts: x, to: exchnge'), [/no upstream exchnge. Did you mean exchange/, /RULES_UNUSED_UPSTREAM/]],
    [passing("hosts: '*.contoso.com', to: exchange"), [/never matches/, unseen]],
  ])('%#', (text, expected) => {
    const found = findings(text);
    for (const finding of expected) expect(found).toContainEqual(expect.stringMatching(finding));
    expect(found.length).toBe(expected.length);
  });
});
