import { describe, expect, it } from 'vitest';
import { findings, rulesText } from './testing/rules.ts';
import { clientOf, compileTrusted } from './trusted.ts';

const trusts = compileTrusted(['10.0.0.0/8', '2001:db8:1::/48']);

/** The client of a request with these X-Forwarded-For lines, or the code of the refusal. */
function client(lines: string[], peer = '10.0.0.1'): string {
  const fields = lines.map((line): [string, string] => ['x-Forwarded-FOR', line]);
  const result = clientOf(fields, peer, trusts);
  return result.kind === 'client' ? result.address : result.code;
}

describe('the client of a request behind a trusted proxy', () => {
  it.each([
    [['203.0.113.7'], '203.0.113.7'],
    [['198.51.100.1, 203.0.113.7'], '203.0.113.7'],
    [['198.51.100.1', '203.0.113.7'], '203.0.113.7'],
    [['203.0.113.7, 10.9.9.9'], '203.0.113.7'],
    [['203.0.113.7,10.9.9.9 ,, 2001:db8:1::5'], '203.0.113.7'],
    [['10.1.1.1, 10.2.2.2'], '10.1.1.1'],
    [['garbage, 203.0.113.7'], '203.0.113.7'],
    [['203.0.113.7:51000'], '203.0.113.7'],
    [['2001:db8::7'], '2001:db8::7'],
    [['[2001:db8::7]:51000'], '2001:db8::7'],
    [['[2001:db8::7]'], '2001:db8::7'],
    [['::ffff:203.0.113.7'], '203.0.113.7'],
    [['::ffff:10.0.0.9'], '10.0.0.9'],
    [[], '10.0.0.1'],
    [[''], '10.0.0.1'],
  ])('of %j is %s', (lines, address) => {
    expect(client(lines)).toBe(address);
  });

  it.each([
    'unknown',
    '203.0.113',
    '010.0.0.1',
    '::ffff:010.0.0.1',
    '0x0a000001',
    '203.0.113.256',
    'fe80::1%eth0',
    '[203.0.113.7]',
    '203.0.113.7:',
    '203.0.113.7 10.0.0.1',
    '"203.0.113.7"',
    '203.0.113.7\xa0',
  ])('is in doubt, and refused, behind %j', (entry) => {
    expect(client([`198.51.100.1, ${entry}`])).toBe('FORWARDED_FOR_MALFORMED');
    expect(client([`${entry}, 10.0.0.9`])).toBe('FORWARDED_FOR_MALFORMED');
  });

  it('is the peer itself where that is not trusted, whatever it says', () => {
    expect(client(['198.51.100.1'], '203.0.113.7')).toBe('203.0.113.7');
    expect(client(['garbage'], '203.0.113.7')).toBe('203.0.113.7');
    expect(clientOf([['X-Forwarded-For', '198.51.100.1']], '10.0.0.1', compileTrusted(undefined))).toMatchObject({
      address: '10.0.0.1',
      vouched: false,
    });
  });

  it.each(['X_Forwarded_For', 'X-Forwarded-For ', 'Forwarded', 'X-Real-IP'])('is not read from %s', (name) => {
    expect(clientOf([[name, '198.51.100.1']], '10.0.0.1', trusts)).toMatchObject({ address: '10.0.0.1' });
  });
});

describe('trustedProxies in a rules file', () => {
  it.each([
    ["['!10.0.0.0/8']", /!10\.0\.0\.0\/8 is not an address.*RULES_BAD_CLIENTS/],
    ['[lb1.contoso.com]', /lb1\.contoso\.com is not an address.*RULES_BAD_CLIENTS/],
    ['[0.0.0.0/0]', /trusts everybody.*RULES_TRUSTS_EVERYBODY/],
    ["['::/0']", /trusts everybody.*RULES_TRUSTS_EVERYBODY/],
    ['[10.0.0.1, 192.0.2.0/24, 10.0.0.5-10.0.0.9]', undefined],
  ])('%s', (entries, finding) => {
    const found = findings(`${rulesText()}trustedProxies: ${entries}\n`);
    if (finding === undefined) expect(found).toEqual([]);
    else expect(found).toEqual([expect.stringMatching(finding)]);
  });
});
