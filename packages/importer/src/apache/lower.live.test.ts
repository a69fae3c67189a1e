// What the imported rules send to Exchange, asked of the installed Apache on the very configuration: it must have sent it to the
// same server under the same path, and refused whom the rules refuse.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileRules, type Listener, normalizedPath, requestFacts, route } from '@outrigger/rules';
import { createAuthority } from '@outrigger/tools/certs';
import { type Daemon, daemonOrSkip, freePort, startApache } from '@outrigger/tools/daemons';
import { type Origin, startOrigin } from '@outrigger/tools/origin';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLedger } from '../ledger.ts';
import { createRedactor } from '../redact.ts';
import { memoryReader } from '../source.ts';
import { FIXTURES, filesOfCase } from '../testing/goldencase.ts';
import { readTree } from './expand.ts';
import { importApache } from './import.ts';
import { findLayout } from './layout.ts';
import { APACHE_SECRETS } from './secrets.ts';
import { readServers } from './servers.ts';
import { everyNode } from './settings.ts';
import { CLIENT_FIELD, modulesOf, sandboxed } from './testing/sandbox.ts';
import type { ConfigTree } from './tree.ts';

const apache = daemonOrSkip('apache2');
const CLIENTS = ['198.51.100.9', '10.1.2.3', '10.9.9.9', '192.0.2.7', '192.168.10.5', '10.9.1.1'];
/** Requests of one case: enough for each path with each host, and with each client where somebody is refused. */
const REQUESTS_MAX = 600;

type Probe = { host: string; path: string; client: string; listener: Listener };
type Answer = { status: number; server?: string; target?: string };

function treeOf(files: Record<string, string>): ConfigTree {
  const reader = memoryReader(files);
  const found = findLayout('', reader);
  if (found.kind === 'missing') throw new Error(found.message);
  return readTree({ layout: found.layout, reader, ledger: createLedger(), redactor: createRedactor(APACHE_SECRETS) });
}

/** Paths around everything that the configuration has a path for. */
function pathsOfTree({ nodes }: ConfigTree): string[] {
  const named = [...everyNode(nodes)]
    .flatMap(({ words }) => words.map(({ text }) => text))
    .filter((text) => /^\/[\w./-]*$/.test(text));
  const around = [...new Set(named)].flatMap((path) => {
    const bare = path.replace(/\/$/, '');
    const first = bare.charCodeAt(1).toString(16);
    return [
      path,
      `${bare}/`,
      `${bare}/x`,
      `${bare}x`,
      `/${path}`,
      `/a/..${path}`,
      `/%${first}${bare.slice(2)}/y`,
      `${bare}/x?a=/b`,
    ];
  });
  return [...new Set(['/', '/other', ...around])].filter(
    (path) => /^\/[\w./%?=-]*$/.test(path) && !path.includes('NaN'),
  );
}

describe.skipIf(apache === undefined).each(readdirSync(join(FIXTURES, 'apache')))('apache/%s', (name) => {
  const files = filesOfCase(join(FIXTURES, 'apache', name));
  const tree = treeOf(files);
  const { rules } = importApache({ path: '', reader: memoryReader(files) });
  const origins = new Map<string, Origin>();
  const ports = new Map<number, number>();
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
  const dir = mkdtempSync(join(tmpdir(), 'outrigger-apache-'));
  let daemon: Daemon | undefined;

  beforeAll(async () => {
    const texts = [...everyNode(tree.nodes)].map(({ rest }) => rest).join('\n');
    for (const [url] of texts.matchAll(/https?:\/\/[\w.-]+(?::\d+)?/gi)) {
      const { protocol, hostname, port } = new URL(url);
      const origin = `${protocol}//${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
      if (!origins.has(origin)) origins.set(origin, await startOrigin({ name: origin }));
    }
    for (const { port } of readServers(tree).listens) ports.set(port, await freePort());
    const leaf = await (await createAuthority()).issue({ names: ['mail.contoso.com'] });
    const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
    writeFileSync(cert, leaf.certPem);
    writeFileSync(key, leaf.keyPem);
    const conf = sandboxed(tree, {
      portFor: (port) => ports.get(port) ?? port,
      originPort: (origin) => origins.get(origin)?.port ?? 1,
      dir,
      cert,
      key,
    });
    daemon = await startApache({ conf, dir, modules: modulesOf(tree) });
  });
  afterAll(async () => {
    agent.destroy();
    await daemon?.stop();
    for (const origin of origins.values()) await origin.close();
    rmSync(dir, { recursive: true, force: true });
  });

  function ask({ host, path, client, listener }: Probe): Promise<Answer> {
    const port = ports.get(Number(/\d+$/.exec(listener.address)?.[0])) ?? 0;
    return new Promise((resolve, reject) => {
      const headers = { Host: host, [CLIENT_FIELD]: client };
      request({ host: '127.0.0.1', port, path, headers, servername: host, agent }, (response) => {
        const server = response.headers['x-stand-in'];
        const target = typeof server === 'string' ? origins.get(server)?.requests.at(-1)?.target : undefined;
        response.resume().on('end', () => {
          const reached = typeof server === 'string' && { server, ...(target !== undefined && { target }) };
          resolve({ status: response.statusCode ?? 0, ...reached });
        });
      })
        .on('error', reject)
        .end();
    });
  }

  it('sends to Exchange what Apache sent there, and refuses whom Apache refused', { timeout: 120_000 }, async () => {
    expect(rules).toBeDefined();
    if (rules === undefined) return;
    const compiled = compileRules(rules);
    const hosts = [
      ...new Set(rules.routes.flatMap(({ when }) => when?.hosts ?? [])),
      'x.mail.contoso.com',
      'unknown.test',
    ].filter((host) => !/^[!.]/.test(host));
    const all = rules.listen.flatMap((listener) =>
      CLIENTS.flatMap((client) =>
        hosts.flatMap((host) => pathsOfTree(tree).map((path): Probe => ({ host, path, client, listener }))),
      ),
    );
    const moved = all.flatMap((probe) => {
      const read = requestFacts(
        { method: 'GET', target: probe.path, version: '1.1', fields: [['Host', probe.host]] },
        { listener: probe.listener, client: probe.client },
      );
      if (read.kind === 'bad') return [];
      const { upstream: to, route: taken, access, refusal } = route(compiled, read.facts);
      const upstream = rules.upstreams.get(to ?? '');
      const isAdded = taken?.from?.some(({ directive }) => directive.startsWith('added '));
      if (upstream?.rpcOverHttp !== true || isAdded === true || refusal !== undefined) return [];
      const expected: Answer =
        access === 'deny'
          ? { status: 403 }
          : { status: 200, server: upstream.servers[0] ?? '', target: sentOn(probe.path) };
      return [{ probe, expected }];
    });
    const wrong: unknown[] = [];
    for (const { probe, expected } of spread(moved)) {
      const answer = await ask(probe);
      if (JSON.stringify(answer) !== JSON.stringify(expected))
        wrong.push({ ...probe, listener: probe.listener.address, expected, answer });
    }
    expect(wrong.slice(0, 5)).toEqual([]);
    if (rules.upstreams.has('exchange')) expect(moved.length).toBeGreaterThan(40);
  });
});

/** What Apache makes of a path on the way: decoded, without dot segments; the query as it came. */
function sentOn(path: string): string {
  const [bare = '', query] = path.split('?');
  return query === undefined ? normalizedPath(bare) : `${normalizedPath(bare)}?${query}`;
}

/** Up to the greatest number of requests, evenly from all. */
function spread<Item>(all: readonly Item[]): Item[] {
  const step = Math.max(1, all.length / REQUESTS_MAX);
  return Array.from({ length: Math.min(all.length, REQUESTS_MAX) }, (_, index) => all[Math.floor(index * step)]).filter(
    (item): item is Item => item !== undefined,
  );
}
