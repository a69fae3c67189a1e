import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAuthority, saveLeaf } from '@outrigger/tools/certs';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ApacheTree } from './apachetree.ts';
import { hasPackagedTree, startDebianApache } from './debianapache.ts';
import { startExchangeInside } from './exchangeinside.ts';
import { mayHaveNetwork, type Network, openNetwork } from './network.ts';
import { clientScript, type Finished, runToEnd, type Watched, watch } from './witness.ts';

// From a fresh Debian Apache with an Exchange virtual host, the documented commands, on port 443 of a network of their own.

const BIN = fileURLToPath(new URL('../../bin/outrigger.js', import.meta.url));
const PYTHON = '/usr/bin/python3';
/** The host's public address, a client's, and that of Exchange. */
const [PUBLIC, CLIENT, INTERNAL] = ['203.0.113.10', '198.51.100.7', '10.1.1.14'] as const;
/** Apache has 443 on every address of this network. */
const EXCHANGE_PORT = 4443;
/** Milliseconds for a whole cut-over: two seconds on a quiet machine. */
const PATIENCE = 120_000;

const apache2 = daemonOrSkip('apache2');
const curl = daemonOrSkip('curl');
const impacket = daemonOrSkip('impacket');
const alone = mayHaveNetwork();
if (!alone && process.env.CI === 'true') throw new Error('no network namespace can be had: live tests must run in CI');
if (!alone) console.error('SKIPPED: no network namespace can be had (unshare -n): no cut-over was done');

const canRun = apache2 !== undefined && curl !== undefined && alone && hasPackagedTree();

describe.skipIf(!canRun)('a fresh Debian Apache and its cut-over', () => {
  let network: Network;
  let exchange: Watched;
  let certificates: string;
  let files: { cert: string; key: string };
  let folder: string;
  let apache: ApacheTree;
  let sums: Record<string, string>;
  let before: Record<string, string>;

  beforeAll(async () => {
    network = await openNetwork([PUBLIC, CLIENT, INTERNAL]);
    certificates = mkdtempSync(join(tmpdir(), 'outrigger-certificates-'));
    const authority = await createAuthority();
    const names = ['mail.contoso.com', 'www.contoso.com', 'shop.contoso.com'];
    files = await saveLeaf(await authority.issue({ names }), certificates, 'contoso');
    exchange = await startExchangeInside(network, INTERNAL, EXCHANGE_PORT, files);
  }, PATIENCE);
  afterAll(async () => {
    await exchange?.stop();
    await network?.close();
    rmSync(certificates, { recursive: true, force: true });
  });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'outrigger-cutover-'));
    apache = startDebianApache(folder, network, files, `${INTERNAL}:${EXCHANGE_PORT}`);
    before = await askAll();
    sums = apache.sums();
  }, PATIENCE);
  afterEach(async () => {
    // Where a test broke off in the middle.
    await outrigger('rollback', '--backups', join(folder, 'backups'));
    await apache?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, PATIENCE);

  function run(program: string, ...args: string[]): Promise<Finished> {
    return runToEnd(...split(network.inside(program, ...args)));
  }
  const outrigger = (...args: string[]): Promise<Finished> => run(process.execPath, BIN, ...args);

  /** The whole answers to a client of its own address, but for the time in them. */
  async function askAll(): Promise<Record<string, string>> {
    const answers: Record<string, string> = {};
    for (const url of [
      'https://www.contoso.com/',
      'https://www.contoso.com/docs',
      'https://www.contoso.com/docs/',
      'https://shop.contoso.com/',
      'https://shop.contoso.com/missing',
      'https://mail.contoso.com/',
      'http://www.contoso.com/',
    ]) {
      const { hostname } = new URL(url);
      const resolve = ['443', '80'].flatMap((port) => ['--resolve', `${hostname}:${port}:${PUBLIC}`]);
      const ran = await run('curl', '-sk', '--http1.1', '-D', '-', '--interface', CLIENT, ...resolve, url);
      expect(ran.code, url).toBe(0);
      answers[url] = ran.out.replace(/^Date: .*\r\n/im, '');
    }
    return answers;
  }

  /** Commands of systemd, which no test may ask; the rest are the defaults. */
  const services = (...start: string[]): string[] => [
    '--backups',
    join(folder, 'backups'),
    '--reload-apache',
    apache.command('-k', 'graceful').join(' '),
    '--start-outrigger',
    start.join(' '),
  ];
  const rulesFile = (): string => join(folder, 'outrigger.yaml');
  const started = (): string[] => services(process.execPath, BIN, 'run', rulesFile());

  async function imported(): Promise<void> {
    const ran = await outrigger('import', '--apache', apache.tree, '-o', rulesFile());
    expect([0, 2], ran.err).toContain(ran.code);
    expect(await outrigger('validate', rulesFile())).toMatchObject({ code: 0 });
  }
  const plan = (...options: string[]): Promise<Finished> =>
    outrigger('plan', rulesFile(), '--apache', apache.tree, ...options);

  async function expectAsBefore(): Promise<void> {
    expect(apache.sums()).toEqual(sums);
    expect(await askAll()).toEqual(before);
    const { out } = await run('ss', '-ltnp');
    expect(out).toMatch(/0\.0\.0\.0:443\s.*apache2/);
    expect(out).not.toContain(':8443');
  }

  /** How far the cut-over came by what it wrote down. */
  function stage(): string | undefined {
    const backups = join(folder, 'backups');
    const name = existsSync(backups) ? readdirSync(backups).find((each) => each !== 'lock') : undefined;
    const file = join(backups, name ?? '', 'manifest.json');
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).stage : undefined;
  }

  it('shows the change and the steps, and changes nothing', async () => {
    await imported();
    const ran = await plan();
    expect(ran.code, ran.err).toBe(0);
    expect(ran.out).toContain('-\tListen 443\n+\tListen 127.0.0.1:8443 https\n');
    expect(ran.out).toContain('+<VirtualHost *:443 127.0.0.1:8443>\n');
    expect(ran.out).toContain('+RemoteIPInternalProxy 127.0.0.1\n');
    expect(ran.out).toMatch(/# 1\. Keep a copy[\s\S]*# \d\. Take Apache off \*:443/);
    expect(apache.sums()).toEqual(sums);
    const patched = await plan('--json');
    expect(JSON.parse(patched.out)).toMatchObject({ doors: [{ taken: '*:443', place: '127.0.0.1:8443' }] });
  });

  it(
    'is done by hand with the commands of the steps, and undone by those of the way back',
    async () => {
      await imported();
      const shown = await plan('--json', '--user', 'root', ...started().slice(2));
      const { steps } = JSON.parse(shown.out) as { steps: { title: string; commands: string[]; back?: string[] }[] };
      // The folder of root is left alone; node may stand in it.
      const sh = async (lines: readonly string[]): Promise<void> => {
        const ran = await run('sh', '-ec', lines.join('\n').replaceAll(/\/root\/(?=apache)/g, `${folder}/`));
        expect(ran.code, `${lines.join('\n')}\n${ran.err}`).toBe(0);
      };
      const isStart = ({ title }: { title: string }): boolean => title.startsWith('Put Outrigger on');
      const isLeave = ({ title }: { title: string }): boolean => title.startsWith('Take Apache off');
      let proxy: ReturnType<typeof watch> | undefined;
      try {
        for (const step of steps) {
          if (isStart(step)) {
            proxy = watch(...split(network.inside(process.execPath, BIN, 'run', rulesFile())));
            await proxy.until(/listening/);
          } else await sh(step.commands);
        }
        expect(await askAll()).toEqual(before);
        expect((await run('ss', '-ltnp')).out).toMatch(/:443\s.*node/);
      } finally {
        await proxy?.stop();
      }
      for (const { back = [], title } of [...steps].reverse()) if (title.startsWith('Change the files')) await sh(back);
      await sh(steps.find(isLeave)?.commands ?? []);
      await expectAsBefore();
    },
    PATIENCE,
  );

  it(
    'ends with Outlook connecting, the sites as before under the client, and goes back to the same bytes',
    async () => {
      await imported();
      const verified = await outrigger('verify', rulesFile(), '--apache', apache.tree);
      expect(verified, verified.out).toMatchObject({ code: 0 });
      const applied = await plan('--apply', ...started());
      expect(applied.code, applied.err).toBe(0);
      expect(applied.err).toMatch(/nobody listened for \d+ ms/);
      expect(applied.err).toMatch(/the address of the client arrives: .*www\.contoso\.com\.log/);
      if (impacket !== undefined) {
        const url = 'https://mail.contoso.com/rpc/rpcproxy.dll';
        const login = ['lab', 'Secret1', 'LAB', 'ntlm'];
        const ran = await run(PYTHON, clientScript('impacket_connect.py'), url, PUBLIC, ...login);
        expect(ran).toMatchObject({ code: 0, out: 'connected\n' });
      }
      const logged = apache.log('www.contoso.com.log').length;
      expect(await askAll()).toEqual(before);
      const lines = apache.log('www.contoso.com.log').slice(logged).trim().split('\n');
      expect(lines).toHaveLength(3);
      for (const line of lines) expect(line.split(' ')[0]).toBe(CLIENT);
      expect(await plan()).toMatchObject({ code: 0, err: expect.stringContaining('behind Outrigger already') });

      const back = await outrigger('rollback', '--backups', join(folder, 'backups'));
      expect(back.code, back.err).toBe(0);
      await expectAsBefore();
      expect((await outrigger('rollback', '--backups', join(folder, 'backups'))).code).toBe(1);
    },
    PATIENCE,
  );

  it(
    'goes back by itself where a site answers otherwise',
    async () => {
      await imported();
      const rules = readFileSync(rulesFile(), 'utf8');
      const denied = rules.replace(/^access:\n/m, 'access:\n  - deny: { hosts: [shop.contoso.com] }\n');
      expect(denied).not.toBe(rules);
      writeFileSync(rulesFile(), denied);
      const ran = await plan('--apply', ...started());
      expect(ran.code, ran.err).toBe(5);
      expect(ran.err).toMatch(/shop\.contoso\.com on port 443 answered 200 .* before and 403 .* now/);
      expect(ran.err).toContain('Everything is as it was.');
      await expectAsBefore();
    },
    PATIENCE,
  );

  it(
    'goes back by itself where Apache refuses the changed files',
    async () => {
      writeFileSync(
        join(apache.tree, 'mods-available/remoteip.load'),
        'LoadModule remoteip_module /nowhere/mod_remoteip.so\n',
      );
      sums = apache.sums();
      await imported();
      const ran = await plan('--apply', ...started());
      expect(ran.code, ran.err).toBe(5);
      expect(ran.err).toContain('/nowhere/mod_remoteip.so');
      await expectAsBefore();
    },
    PATIENCE,
  );

  it(
    'starts an Apache again that ended because its place was taken meanwhile',
    async () => {
      await imported();
      // Apache tests its files once before any change and once after; from the second time on somebody else has its place.
      const script = join(folder, 'test-apache');
      const listen = `require('node:net').createServer((each) => each.destroy()).listen(8443, '127.0.0.1')`;
      const lines = [
        '#!/bin/sh',
        `if [ -e ${folder}/tested ]; then ${process.execPath} -e "${listen}" > /dev/null 2>&1 & echo $! > ${folder}/taker; sleep 1; fi`,
        `touch ${folder}/tested`,
      ];
      writeFileSync(script, `${lines.join('\n')}\n`, { mode: 0o755 });
      const ran = await plan('--apply', ...started(), '--test-apache', script);
      process.kill(Number(readFileSync(join(folder, 'taker'), 'utf8')), 'SIGKILL');
      expect(ran.code, ran.err).toBe(5);
      expect(ran.err).toContain('Everything is as it was.');
      expect(ran.err).toMatch(/Apache is back on \*:443/);
      // It could not bind, and ended.
      expect(apache.log('error.log')).toContain('AH00072');
      await expectAsBefore();
    },
    PATIENCE,
  );

  it(
    'goes back by itself where Outrigger does not start',
    async () => {
      await imported();
      const ran = await plan('--apply', ...services('false'));
      expect(ran.code, ran.err).toBe(5);
      await expectAsBefore();
    },
    PATIENCE,
  );

  it(
    'goes back by itself when it is broken off',
    async () => {
      await imported();
      const words = [process.execPath, BIN, 'plan', rulesFile(), '--apache', apache.tree, '--apply'] as const;
      const [program, args] = split(network.inside(...words));
      const ran = watch(program, [...args, ...services('sleep', '60')]);
      await expect.poll(stage, { timeout: PATIENCE / 2 }).toBe('starting');
      process.kill(ran.pid, 'SIGINT');
      await expect.poll(() => ran.said, { timeout: PATIENCE / 2 }).toContain('Everything is as it was');
      await ran.stop();
      await expectAsBefore();
    },
    PATIENCE,
  );

  it(
    'lets nobody in beside it, and can be taken back after it was killed',
    async () => {
      await imported();
      const [program, ...args] = network.inside(
        process.execPath,
        BIN,
        'plan',
        rulesFile(),
        '--apache',
        apache.tree,
        '--apply',
      );
      const first = spawn(program, [...args, ...services('sleep', '60')], { stdio: 'ignore' });
      const gone = new Promise((resolve) => first.once('exit', resolve));
      const backups = join(folder, 'backups');
      await expect.poll(stage, { timeout: PATIENCE / 2 }).toBe('starting');
      expect((await outrigger('rollback', '--backups', backups)).err).toContain('another cut-over is under way');
      first.kill('SIGKILL');
      await gone;
      const back = await outrigger('rollback', '--backups', backups);
      expect(back.code, back.err).toBe(0);
      await expectAsBefore();
    },
    PATIENCE,
  );
});

function split([program, ...args]: [string, ...string[]]): [string, string[]] {
  return [program, args];
}
