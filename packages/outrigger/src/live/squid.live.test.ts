import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importSquid, memoryReader } from '@outrigger/importer';
import { compileRules, localTimeOf, type RuleSet, requestFacts, route } from '@outrigger/rules';
import { daemonOrSkip, freePort, startSquid } from '@outrigger/tools/daemons';
import { field } from '@outrigger/tools/message';
import { type Origin, startOrigin } from '@outrigger/tools/origin';
import { connect, readResponse } from '@outrigger/tools/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStage, type Stage } from './stage.ts';

// The first migration, asked three ways: the installed Squid on the user's own file, route() on the imported rules, and
// the running proxy on them. All three must name one upstream for every probe.

const CONTOSO = fileURLToPath(new URL('../../../../fixtures/contoso/', import.meta.url));
const squid = daemonOrSkip('squid');

type Probe = { method: string; target: string; host: string | undefined };

/** The recorded probes, and spellings around each pattern that the record does not hold. */
function probes(): Probe[] {
  const recorded = readFileSync(join(CONTOSO, 'verdicts.tsv'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'))
    .map(
      ([method = '', target = '', host = '']): Probe => ({
        method,
        target,
        host: host === '(none)' ? undefined : host,
      }),
    );
  const words = [
    'exchange',
    'exchweb',
    'public',
    'owa',
    'ecp',
    'Microsoft-Server-ActiveSync',
    'rpc',
    'rpcwithcert',
    'exadmin',
  ];
  const spellings = words.flatMap((word) => [
    `/${word}`,
    `/${word.toUpperCase()}/`,
    `/${word}x?y=1`,
    `/x${word}`,
    `/x/${word}`,
    `/?u=contoso.com/${word}`,
    `/?u=contoso.com%2F${word.slice(0, -1)}`,
    `/%${word.charCodeAt(0).toString(16)}${word.slice(1)}`,
    `/%25${word.charCodeAt(0).toString(16)}${word.slice(1)}`,
  ]);
  const hosts = ['contoso.com', 'mail.contoso.com', 'xcontoso.com', 'contoso.org', 'contoso-com.example'];
  return [...recorded, ...spellings.flatMap((target) => hosts.map((host) => ({ method: 'GET', target, host })))];
}

function rawRequest({ method, target, host }: Probe): string {
  // Without Host only HTTP/1.0 is a request at all; a length of 0 keeps methods that Squid knows to have bodies content.
  const lines =
    host === undefined
      ? [`${method} ${target} HTTP/1.0`]
      : [`${method} ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close'];
  return [...lines, ...(method === 'GET' ? [] : ['Content-Length: 0']), '', ''].join('\r\n');
}

/** `upstream` that answered, or the status of an answer nobody behind gave. */
async function ask(port: number, probe: Probe): Promise<string> {
  const wire = await connect({ host: '127.0.0.1', port, tls: { rejectUnauthorized: false } });
  try {
    await wire.send(rawRequest(probe));
    const answer = await readResponse(wire, { method: probe.method, milliseconds: 10_000 });
    if (answer.kind !== 'response') return answer.kind;
    return field(answer.response.fields, 'X-Stand-In') ?? String(answer.response.status);
  } finally {
    await wire.close();
  }
}

describe.skipIf(squid === undefined)('contoso on the installed Squid', () => {
  let stage: Stage;
  let origins: Origin[] = [];
  let running: Awaited<ReturnType<typeof startSquid>> | undefined;
  let squidPort: number;
  let rules: RuleSet;

  beforeAll(async () => {
    stage = await openStage();
    origins = await Promise.all(['webServer', 'exchangeServer'].map((name) => startOrigin({ name, tls: stage.pem })));
    const [web, exchange] = origins;
    squidPort = await freePort();
    const conf = readFileSync(join(CONTOSO, 'squid.conf'), 'utf8')
      .replace('203.0.113.10:443', `127.0.0.1:${squidPort}`)
      .replace('/etc/ssl/contoso/contoso_com.crt', stage.files.cert)
      .replace('/etc/ssl/contoso/contoso_com.key', stage.files.key)
      .replace('cache_peer 127.0.0.1 parent 443', `cache_peer 127.0.0.1 parent ${web?.port}`)
      // Two peers on one address and different ports are told apart by name=, as in the file itself.
      .replace('cache_peer 10.1.1.14 parent 443', `cache_peer 127.0.0.1 parent ${exchange?.port}`)
      .replace('/var/log/squid/access.log', join(stage.folder, 'squid', 'run', 'access.log'));
    const imported = importSquid({ files: ['squid.conf'], reader: memoryReader({ 'squid.conf': conf }) });
    if (imported.rules === undefined) throw new Error('contoso gave no rules');
    rules = imported.rules;
    const dir = join(stage.folder, 'squid');
    mkdirSync(dir);
    running = await startSquid({ conf, dir });
  });
  afterAll(async () => {
    await running?.stop();
    await Promise.all(origins.map((origin) => origin.close()));
    await stage?.close();
  });

  it('route() names the upstream that Squid chose, for every probe', async () => {
    const compiled = compileRules(rules);
    const [listener] = rules.listen;
    if (listener === undefined) throw new Error('contoso has a listener');
    const differences: string[] = [];
    for (const probe of probes()) {
      const fields: [string, string][] = probe.host === undefined ? [] : [['Host', probe.host]];
      const version = probe.host === undefined ? '1.0' : '1.1';
      const result = requestFacts(
        { method: probe.method, target: probe.target, version, fields },
        { listener, client: '127.0.0.1', time: localTimeOf(new Date()) },
      );
      const ours = result.kind === 'facts' ? route(compiled, result.facts).upstream : result.code;
      const theirs = await ask(squidPort, probe);
      if (ours !== theirs)
        differences.push(`${probe.method} ${probe.target} Host ${probe.host}: squid ${theirs}, route() ${ours}`);
    }
    expect(differences).toEqual([]);
  });

  it('the running proxy reaches that upstream too, but for the refusals it announces', async () => {
    const compiled = compileRules(rules);
    const [listener] = rules.listen;
    if (listener === undefined) throw new Error('contoso has a listener');
    const { port } = await stage.edge({
      ...rules,
      listen: [{ ...listener, address: '127.0.0.1:0', name: listener.name ?? listener.address }],
    });
    const differences: string[] = [];
    for (const probe of probes()) {
      const fields: [string, string][] = probe.host === undefined ? [] : [['Host', probe.host]];
      const result = requestFacts(
        { ...probe, version: probe.host === undefined ? '1.0' : '1.1', fields },
        { listener, client: '127.0.0.1', time: localTimeOf(new Date()) },
      );
      if (result.kind !== 'facts') throw new Error(result.message);
      const decision = route(compiled, result.facts);
      const expected = decision.refusal === undefined ? decision.upstream : String(decision.refusal.status);
      const reached = await ask(port, probe);
      if (expected !== reached)
        differences.push(`${probe.method} ${probe.target} Host ${probe.host}: route() ${expected}, proxy ${reached}`);
    }
    expect(differences).toEqual([]);
  });
});
