// Room: the benchmark of a large config: how long an import takes, and what a request costs on its rules beside what it costs on
// those of a small one. `node --conditions=source packages/importer/src/testing/scalebench.ts`, Node 24 or later.
import { type CompiledRules, compileRules, type RequestFacts, requestFacts, route } from '@outrigger/rules';
import { importSquid, memoryReader } from '../index.ts';

const PEERS = 500;
/** Domains of a site and addresses that are kept out: 10,000 acl values in all. */
const DOMAINS_PER_PEER = 16;
const BANNED = 2_000;
/** Each figure is the median of so many rounds, each of so many requests. */
const ROUNDS = 15;
const REQUESTS = 20_000;

/** Sites by host, each with its peer; Exchange paths by pattern; addresses kept out. */
function config(peers: number, domainsPerPeer: number, banned: number): string {
  const sites = Array.from({ length: peers }, (_, peer) => {
    const domains = Array.from({ length: domainsPerPeer }, (_, index) => `.s${index}.customer${peer}.example`);
    return [
      `cache_peer 10.1.${peer >> 8}.${peer % 256} parent 80 0 no-query originserver login=PASS name=peer${peer}`,
      ...domains.map((domain) => `acl site${peer} dstdomain ${domain}`),
      `cache_peer_access peer${peer} allow site${peer} !owa`,
      `cache_peer_access peer${peer} deny all`,
      `http_access allow site${peer}`,
    ];
  });
  const addresses = Array.from(
    { length: banned },
    (_, index) => `acl banned src 10.${200 + (index >> 8)}.${index % 256}.9`,
  );
  return [
    'http_port 80 accel vhost',
    'cache_peer 10.9.9.9 parent 80 0 no-query originserver login=PASS front-end-https=on name=exchange',
    'acl owa url_regex -i ^http://[^/]*/owa ^http://[^/]*/ecp ^http://[^/]*/rpc',
    'cache_peer_access exchange allow owa',
    'cache_peer_access exchange deny all',
    ...addresses,
    'http_access deny banned',
    ...sites.flat(),
    'http_access deny all',
  ].join('\n');
}

function imported(text: string): { rules: CompiledRules; milliseconds: number } {
  const start = performance.now();
  const { rules } = importSquid({ files: ['squid.conf'], reader: memoryReader({ 'squid.conf': text }) });
  const milliseconds = performance.now() - start;
  if (rules === undefined) throw new Error('the config of the benchmark gives rules');
  return { rules: compileRules(rules), milliseconds };
}

function factsFor({ ruleSet }: CompiledRules, host: string, target: string, client: string): RequestFacts {
  const [listener] = ruleSet.listen;
  if (listener === undefined) throw new Error('the config of the benchmark has a listener');
  const head = { method: 'GET', target, version: '1.1' as const, fields: [['Host', host]] as const };
  const result = requestFacts(head, { listener, client, time: { day: 'wed', minute: 720 } });
  if (result.kind === 'bad') throw new Error(result.message);
  return result.facts;
}

/** Microseconds that route() takes, the median of ROUNDS. */
function cost(rules: CompiledRules, facts: RequestFacts): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    for (let count = 0; count < REQUESTS; count += 1) route(rules, facts);
    return ((performance.now() - start) * 1_000) / REQUESTS;
  });
  return rounds.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0;
}

const large = imported(config(PEERS, DOMAINS_PER_PEER, BANNED));
const small = imported(config(1, 1, 1));
console.log(
  `import: ${PEERS} peers, ${PEERS * DOMAINS_PER_PEER + BANNED} acl values in ${Math.round(large.milliseconds)} ms`,
);
const asked: readonly [what: string, host: string, target: string, client: string][] = [
  ['first site', 's0.customer0.example', '/index.html', '192.0.2.1'],
  ['last site', `www.s${DOMAINS_PER_PEER - 1}.customer${PEERS - 1}.example`, '/index.html', '192.0.2.1'],
  ['foreign host', 'www.example.org', '/index.html', '192.0.2.1'],
  ['Exchange path', `s0.customer${PEERS - 1}.example`, '/owa/', '192.0.2.1'],
  ['banned client', 's0.customer0.example', '/index.html', '10.200.0.9'],
];
for (const [what, host, target, client] of asked) {
  const beside = cost(small.rules, factsFor(small.rules, 's0.customer0.example', target, client));
  const found = cost(large.rules, factsFor(large.rules, host, target, client));
  console.log(
    `${what}: ${found.toFixed(2)} µs; with one site ${beside.toFixed(2)} µs; ${(found / beside).toFixed(1)} times`,
  );
}
