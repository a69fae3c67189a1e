import { memoryReader, readSquid } from '@outrigger/importer';
import { loadRules } from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { examplesOf } from './examples.ts';
import type { Entrance } from './probe.ts';
import { probesFor } from './probes.ts';

const { rules } = loadRules(
  `listen: [{ address: '*:80' }, { address: '*:81' }]
upstreams: { web: { servers: ['http://10.0.0.1:80'] } }
access: [{ deny: { path: { prefix: /ecp }, clients: ['10.0.0.0/8'] } }, { allow: {} }]
routes: [{ when: { hosts: [.rules.test], headers: { name: X-Kind, regex: ^a } }, to: web }, { to: web }]
`,
  'rules.yaml',
);
const conf = `acl p urlpath_regex ^/owa$ \\.php
acl u url_regex -i contoso.com/rpc
acl d dstdomain .contoso.com
acl s src 172.16.0.4-172.16.0.9
acl m method PROPPATCH
acl b browser Outlook
acl t port 8000
`;
const entrances: Entrance[] = ['80', '81'].map((port) => ({
  name: port,
  address: `*:${port}`,
  tls: false,
  at: { file: 'squid.conf', line: 1, directive: '' },
}));

function probes(seed = 1, most = 5_000) {
  if (rules === undefined) throw new Error('the rules do not load');
  const { model } = readSquid({ files: ['squid.conf'], reader: memoryReader({ 'squid.conf': conf }) });
  return probesFor({ rules, entrances, model, seed, most });
}

describe('probes', () => {
  const all = probes();
  const seen = (key: 'target' | 'host' | 'client' | 'method' | 'entrance') => new Set(all.map((probe) => probe[key]));

  it('hit each pattern and miss it by one letter, by case, by encoding, and in the query', () => {
    expect([...seen('target')]).toEqual(
      expect.arrayContaining([
        '/owa',
        '/owax',
        '/ow',
        '/OWA',
        '/%6Fwa',
        '/%256Fwa',
        '//owa',
        '/./owa',
        '/x/../owa',
        '/owa?q=1',
      ]),
    );
    expect([...seen('target')]).toEqual(expect.arrayContaining(['/x.php', '/rpc', '/?q=contoso.com/rpc', '/ecp']));
  });

  it('ask for each domain, for what is below it and beside it, and with ports', () => {
    expect([...seen('host')]).toEqual(
      expect.arrayContaining([
        'contoso.com',
        'a.contoso.com',
        'notcontoso.com',
        'CONTOSO.COM',
        'contoso.com.',
        undefined,
      ]),
    );
    expect([...seen('host')]).toEqual(expect.arrayContaining(['rules.test', 'contoso.com:8000', 'contoso.com:8001']));
  });

  it('come from both ends of each range of addresses and from just outside', () => {
    expect([...seen('client')]).toEqual(
      expect.arrayContaining(['172.16.0.4', '172.16.0.9', '172.16.0.3', '172.16.0.10', '10.0.0.0', '11.0.0.0']),
    );
  });

  it('use each method that is named, in both cases, and each entrance', () => {
    expect([...seen('method')]).toEqual(expect.arrayContaining(['PROPPATCH', 'proppatch', 'RPC_IN_DATA', 'GET']));
    expect([...seen('entrance')]).toEqual(['80', '81']);
  });

  it('carry the fields that acls and rules look at', () => {
    expect(all.flatMap(({ fields }) => fields)).toEqual(
      expect.arrayContaining([
        ['User-Agent', 'Outlook'],
        ['User-Agent', 'x'],
        ['X-Kind', 'a'],
      ]),
    );
  });

  it('are the same for one seed, others for another, and no more than wanted', () => {
    expect(probes(7, 200)).toEqual(probes(7, 200));
    expect(probes(8, 200)).not.toEqual(probes(7, 200));
    expect(probes(7, 200)).toHaveLength(200);
  });

  it('can be sent: no target holds a blank or a control, no field a line end', () => {
    for (const { target, fields } of all) {
      expect(target).toMatch(/^[!-~]+$/);
      for (const [, value] of fields) expect(value).toMatch(/^[ -~]*$/);
    }
  });
});

describe('examples of a pattern', () => {
  it.each([
    ['^/(a|bc)d?$', /^\/(a|bc)d?$/, 3],
    ['[^a-z]{3}x+', /[^a-z]{3}x+/, 2],
    ['^(https?)://[[:alpha:]]+', /^https?:\/\/[A-Za-z]+/, 2],
  ])('of %s match it', (pattern, same, least) => {
    const { texts } = examplesOf(pattern, false);
    expect(texts.length).toBeGreaterThanOrEqual(least);
    for (const text of texts) expect(text).toMatch(same);
  });

  it('of a pattern Squid drops are none', () => {
    expect(examplesOf('(?i)x', false).texts).toEqual([]);
  });
});
