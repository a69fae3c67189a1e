import { compileRules, fallbackDecisions, requestFacts, route } from '@outrigger/rules';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importSquid, memoryReader } from '../index.ts';

// Who gets a request while some peers are down: imported rules against Squid's own way, written down here once more and without
// any of the importer: by selection method, then in the order of the file, the first that is up and whose list lets the request pass.

const SEED = Number(process.env.OUTRIGGER_SEED ?? Date.now() % 1_000_000_000);
const RUNS = 400;

/** Each acl and the requests it holds for. */
const ACLS = {
  shop: { line: 'acl shop dstdomain shop.test', holds: ({ host }: Asked) => host === 'shop.test' },
  mail: { line: 'acl mail dstdomain mail.test', holds: ({ host }: Asked) => host === 'mail.test' },
  post: { line: 'acl post method POST', holds: ({ method }: Asked) => method === 'POST' },
  app: { line: 'acl app urlpath_regex ^/app', holds: ({ target }: Asked) => target.startsWith('/app') },
} as const;
type AclName = keyof typeof ACLS;
type Asked = { host: string; method: string; target: string };

const REQUESTS: Asked[] = ['shop.test', 'mail.test', 'www.test'].flatMap((host) =>
  ['GET', 'POST'].flatMap((method) => ['/', '/app/x'].map((target) => ({ host, method, target }))),
);

type Line = { action: 'allow' | 'deny'; terms: { acl: AclName; negated: boolean }[] };
type Peer = { method: string; forced: boolean; lines: Line[] };

const term = fc.record({ acl: fc.constantFrom<AclName>('shop', 'mail', 'post', 'app'), negated: fc.boolean() });
const line = fc.record({
  action: fc.constantFrom<Line['action']>('allow', 'deny'),
  terms: fc.array(term, { minLength: 1, maxLength: 2 }),
});
const peer = fc.record({
  method: fc.constantFrom('', '', 'sourcehash', 'round-robin'),
  // With a Host of its own a peer is an upstream of its own.
  forced: fc.boolean(),
  lines: fc.array(line, { maxLength: 2 }),
});
const peers = fc.array(peer, { minLength: 2, maxLength: 4 });

function configOf(given: readonly Peer[]): string {
  const port = (index: number): number => 8001 + index;
  return [
    'http_port 80 accel vhost',
    ...Object.values(ACLS).map((acl) => acl.line),
    ...given.map(
      ({ method, forced }, index) =>
        `cache_peer 10.0.0.1 parent ${port(index)} 0 no-query originserver login=PASS ${method} ${forced ? `forceddomain=p${index}.test` : ''} name=p${index}`,
    ),
    ...given.flatMap(({ lines }, index) =>
      lines.map(({ action, terms }) => `cache_peer_access p${index} ${action} ${terms.map(termText).join(' ')}`),
    ),
    'http_access allow all',
    '',
  ].join('\n');
}

function termText({ acl, negated }: Line['terms'][number]): string {
  return `${negated ? '!' : ''}${acl}`;
}

/** SQ-34, SQ-35: the first line that holds decides, and behind the last stands its opposite. */
function takes({ lines }: Peer, asked: Asked): boolean {
  const holds = lines.find(({ terms }) => terms.every(({ acl, negated }) => ACLS[acl].holds(asked) !== negated));
  const last = lines.at(-1);
  return (holds?.action ?? (last === undefined || last.action === 'deny' ? 'allow' : 'deny')) === 'allow';
}

/** Peers of the first selection method that has any for this request: one of them is Squid's choice. */
function squidsChoice(given: readonly Peer[], asked: Asked, down: readonly number[]): number[] {
  const able = given.flatMap((each, index) => (takes(each, asked) && !down.includes(index) ? [index] : []));
  for (const method of ['sourcehash', 'round-robin']) {
    const sharing = able.filter((index) => given[index]?.method === method);
    if (sharing.length > 0) return sharing;
  }
  return able.slice(0, 1);
}

describe('who stands in', () => {
  it('is whom Squid would take, and never a peer whose list denies', () => {
    console.log(`fallback: seed ${SEED} (OUTRIGGER_SEED)`);
    fc.assert(
      fc.property(peers, fc.uniqueArray(fc.nat(3), { maxLength: 3 }), (given, down) => {
        const translation = importSquid({
          files: ['squid.conf'],
          reader: memoryReader({ 'squid.conf': configOf(given) }),
        });
        const { rules } = translation;
        if (rules === undefined) return;
        const compiled = compileRules(rules);
        const [listener] = rules.listen;
        if (listener === undefined) throw new Error('a port became a listener');
        for (const asked of REQUESTS) {
          const head = { ...asked, version: '1.1', fields: [['Host', asked.host]] } as const;
          const read = requestFacts(head, { listener, client: '192.0.2.1', time: { day: 'wed', minute: 720 } });
          if (read.kind === 'bad') throw new Error(read.message);
          const ways = [route(compiled, read.facts), ...fallbackDecisions(compiled, read.facts)];
          const reached = ways.flatMap(({ upstream = '' }) => {
            const { servers = [], affinity } = rules.upstreams.get(upstream) ?? {};
            const up = servers
              .map((url) => Number(url.split(':').at(-1)) - 8001)
              .filter((index) => !down.includes(index));
            return up.length === 0 ? [] : [affinity === undefined ? up.slice(0, 1) : up];
          })[0];
          const wanted = squidsChoice(given, asked, down);
          for (const index of reached ?? []) expect(takes(given[index] as Peer, asked)).toBe(true);
          expect([asked, reached?.every((index) => wanted.includes(index)) ?? wanted.length === 0]).toEqual([
            asked,
            true,
          ]);
        }
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });
});
