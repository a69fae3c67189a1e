import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAuthority, saveLeaf } from '@outrigger/tools/certs';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FixtureApache, startFixtureApache } from './fixtureapache.ts';
import { mayHaveNetwork, type Network, openNetwork } from './network.ts';
import { type Finished, runToEnd } from './witness.ts';

// What pages, rules and logs of the installed Apache see of a client: the same before a cut-over and after it, in each of the ways in which
// Apache can be behind Outrigger.

const BIN = fileURLToPath(new URL('../../bin/outrigger.js', import.meta.url));
const [PUBLIC, CLIENT, NEIGHBOUR, OFFICE] = ['203.0.113.10', '198.51.100.7', '198.51.100.8', '192.0.2.7'] as const;
/** Milliseconds for a whole cut-over and the way back. */
const PATIENCE = 120_000;

const apache2 = daemonOrSkip('apache2');
const curl = daemonOrSkip('curl');
const alone = mayHaveNetwork();
if (!alone && process.env.CI === 'true') throw new Error('no network namespace can be had: live tests must run in CI');
if (!alone) console.error('SKIPPED: no network namespace can be had (unshare -n): no cut-over was done');

/** A page that tells what it is told, but for what is another one on each connection. */
const SCRIPT = `#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
env | grep -E '^(REMOTE_ADDR|SERVER_(NAME|PORT|ADDR|PROTOCOL)|REQUEST_(SCHEME|URI|METHOD)|HTTPS|HTTP_HOST|SEEN|CONTEXT_PREFIX|SCRIPT_NAME)=' | sort
`;
const ASKED = [
  ...[
    '/env',
    '/for-me',
    '/by-port',
    '/moved',
    '/docs',
    '/docs/',
    '/env/one',
    '/env/office',
    '/env/local',
    '/env/expression',
    '/env/old',
  ],
].flatMap((path) => [CLIENT, NEIGHBOUR, OFFICE].map((from) => ({ from, url: `https://www.contoso.com${path}` })));
const NAMED = { from: CLIENT, url: 'https://named.contoso.com/docs' };

describe.skipIf(apache2 === undefined || curl === undefined || !alone)('behind Outrigger', () => {
  let network: Network;
  let certificates: string;
  let files: { cert: string; key: string };
  let folder: string;
  let apache: FixtureApache;
  let isBack = true;

  beforeAll(async () => {
    network = await openNetwork([PUBLIC, CLIENT, NEIGHBOUR, OFFICE]);
    certificates = mkdtempSync(join(tmpdir(), 'outrigger-certificates-'));
    const authority = await createAuthority();
    files = await saveLeaf(
      await authority.issue({ names: ['www.contoso.com', 'named.contoso.com'] }),
      certificates,
      'x',
    );
  }, PATIENCE);
  afterAll(async () => {
    await network?.close();
    rmSync(certificates, { recursive: true, force: true });
  });
  afterEach(async () => {
    try {
      // Where a test broke off in the middle.
      if (!isBack) await outrigger('rollback', '--backups', join(folder, 'backups'));
      await apache?.stop();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, PATIENCE);

  function run(...words: [string, ...string[]]): Promise<Finished> {
    const [program, ...args] = network.inside(...words);
    return runToEnd(program, args);
  }
  function outrigger(...args: string[]): Promise<Finished> {
    return run('env', `PATH=${apache.bin}:${process.env.PATH}`, process.execPath, BIN, ...args);
  }

  /** Status, Location and body by client and path. */
  async function askAll(): Promise<Record<string, string>> {
    const answers: Record<string, string> = {};
    for (const { from, url } of [...ASKED, NAMED]) {
      const resolve = ['--resolve', `${new URL(url).hostname}:443:${PUBLIC}`];
      const told = ['-w', '\n%{http_code} %{redirect_url}'];
      const { out } = await run('curl', '-sk', '--http1.1', '--interface', from, ...resolve, ...told, url);
      answers[`${from} ${url}`] = out;
    }
    return answers;
  }

  it.each<[string, string[], (rules: string) => string]>([
    ['with TLS and X-Forwarded-For', [], (rules) => rules],
    ['with TLS and the PROXY protocol', [], withProxyProtocol],
    ['over plain HTTP and X-Forwarded-For', ['--apache-plain'], (rules) => rules],
    ['over plain HTTP and the PROXY protocol', ['--apache-plain'], withProxyProtocol],
  ])(
    '%s: who asks, over what and at which port is seen as before',
    async (_, options, change) => {
      isBack = false;
      folder = mkdtempSync(join(tmpdir(), 'outrigger-pages-'));
      apache = startFixtureApache('pages-that-look', folder, network, files);
      const script = join(folder, 'var/www/cgi-bin/env');
      mkdirSync(join(folder, 'var/www/cgi-bin'));
      writeFileSync(script, SCRIPT);
      chmodSync(script, 0o755);
      mkdirSync(join(folder, 'var/www/html/docs'));
      writeFileSync(join(folder, 'var/www/html/docs/index.html'), 'documents\n');
      const before = await askAll();
      const rules = join(folder, 'outrigger.yaml');
      const imported = await outrigger('import', '--apache', apache.tree, '-o', rules, ...options);
      expect([0, 2], imported.err).toContain(imported.code);
      writeFileSync(rules, change(readFileSync(rules, 'utf8')));
      const applied = await outrigger(
        ...['plan', rules, '--apache', apache.tree, '--apply', '--backups', join(folder, 'backups')],
        ...['--start-outrigger', `${process.execPath} ${BIN} run ${rules}`],
      );
      expect(applied.code, applied.err).toBe(0);
      const logged = apache.log('www_log').length;
      const after = await askAll();
      // The one thing that is otherwise: the address that Apache itself is asked on.
      const expected = Object.entries(before).map(([name, answer]) => [
        name,
        answer.replace(`SERVER_ADDR=${PUBLIC}`, 'SERVER_ADDR=127.0.0.1'),
      ]);
      expect(after).toEqual(Object.fromEntries(expected));
      expect(before[`${CLIENT} https://www.contoso.com/env`]).toMatch(
        /HTTPS=on[\s\S]*SEEN=client[\s\S]*SERVER_PORT=443/,
      );
      expect(after[`${CLIENT} https://www.contoso.com/docs`]).toMatch(/\n301 https:\/\/www\.contoso\.com\/docs\/$/);
      const lines = apache.log('www_log').slice(logged).trim().split('\n');
      expect(lines.map((line) => line.split(' ')[0])).toEqual(ASKED.map(({ from }) => from));
      expect(new Set(lines.map((line) => line.split(' ').at(-1)))).toEqual(new Set(['443']));

      const back = await outrigger('rollback', '--backups', join(folder, 'backups'));
      expect(back.code, back.err).toBe(0);
      isBack = true;
      expect(await askAll()).toEqual(before);
    },
    PATIENCE,
  );

  it(
    'what the plan warns of is so: a port of its own place in redirects',
    async () => {
      isBack = false;
      folder = mkdtempSync(join(tmpdir(), 'outrigger-pages-'));
      apache = startFixtureApache('pages-that-look', folder, network, files, 'UseCanonicalPhysicalPort On\n');
      mkdirSync(join(folder, 'var/www/html/docs'));
      const rules = join(folder, 'outrigger.yaml');
      expect([0, 2]).toContain((await outrigger('import', '--apache', apache.tree, '-o', rules)).code);
      const plan = ['plan', rules, '--apache', apache.tree];
      const shown = await outrigger(...plan);
      expect(shown.err).toMatch(/httpd\.conf:\d+: warning: it has Apache take the port .*\[CUTOVER_OWN_PLACE\]/);
      const applied = await outrigger(
        ...[...plan, '--apply', '--backups', join(folder, 'backups')],
        ...['--start-outrigger', `${process.execPath} ${BIN} run ${rules}`],
      );
      expect(applied.code, applied.err).toBe(0);
      const words = ['curl', '-sk', '--interface', CLIENT, '--resolve', `www.contoso.com:443:${PUBLIC}`] as const;
      const { out } = await run(...words, '-o', '/dev/null', '-w', '%{redirect_url}', 'https://www.contoso.com/docs');
      expect(out).toBe('https://www.contoso.com:8443/docs/');
      isBack = (await outrigger('rollback', '--backups', join(folder, 'backups'))).code === 0;
      expect(isBack).toBe(true);
    },
    PATIENCE,
  );
});

/** To Apache, whose upstream is the one with servers on loopback. */
function withProxyProtocol(rules: string): string {
  const changed = rules.replace(/^( +)(servers: \[ ?https?:\/\/127\.0\.0\.1)/m, '$1proxyProtocol: v2\n$1$2');
  if (changed === rules) throw new Error(`there is no upstream on loopback:\n${rules}`);
  return changed;
}
