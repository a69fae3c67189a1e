import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAuthority, saveLeaf } from '@outrigger/tools/certs';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startExchangeInside } from './exchangeinside.ts';
import { mayHaveNetwork, type Network, openNetwork } from './network.ts';
import { clientScript, type Finished, runToEnd, type Watched } from './witness.ts';

const BIN = fileURLToPath(new URL('../../bin/outrigger.js', import.meta.url));
const PYTHON = '/usr/bin/python3';
const [PUBLIC, SECOND, INTERNAL] = ['203.0.113.10', '203.0.113.11', '10.1.1.14'] as const;
/** Milliseconds for a whole cut-over, and back. */
const PATIENCE = 120_000;

const squid = daemonOrSkip('squid');
const impacket = daemonOrSkip('impacket');
const alone = mayHaveNetwork();
if (!alone && process.env.CI === 'true') throw new Error('no network namespace can be had: live tests must run in CI');
if (!alone) console.error('SKIPPED: no network namespace can be had (unshare -n): Squid kept its port');

describe.skipIf(squid === undefined || !alone)('a Squid on port 443 and its cut-over', () => {
  let network: Network;
  let exchange: Watched;
  let folder: string;

  beforeAll(async () => {
    network = await openNetwork([PUBLIC, SECOND, INTERNAL]);
    folder = mkdtempSync(join(tmpdir(), 'outrigger-cutover-squid-'));
    // Squid gives root up and must still reach its files.
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'run'));
    chmodSync(join(folder, 'run'), 0o777);
    const authority = await createAuthority();
    const files = await saveLeaf(
      await authority.issue({ names: ['mail.contoso.com', 'www.contoso.com'] }),
      folder,
      'contoso',
    );
    exchange = await startExchangeInside(network, INTERNAL, 443, files);
    const conf = `https_port ${PUBLIC}:443 accel vhost tls-cert=${files.cert} tls-key=${files.key}
https_port ${SECOND}:443 accel vhost tls-cert=${files.cert} tls-key=${files.key}
http_port ${PUBLIC}:80 accel vhost
cache_peer ${INTERNAL} parent 443 0 no-query originserver ssl sslflags=DONT_VERIFY_PEER login=PASS front-end-https=on name=exchangeServer
acl mail dstdomain mail.contoso.com
cache_peer_access exchangeServer allow mail
cache_peer_access exchangeServer deny all
never_direct allow all
http_access allow mail
http_access deny all
pid_filename ${folder}/run/squid.pid
cache_log ${folder}/run/cache.log
access_log none
coredump_dir ${folder}/run
shutdown_lifetime 3 seconds
pinger_enable off
visible_hostname squid.contoso.com
`;
    writeFileSync(join(folder, 'squid.conf'), conf);
    const [program, ...args] = network.inside(...command());
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  }, PATIENCE);
  afterAll(async () => {
    await outrigger('rollback', '--backups', join(folder, 'backups'));
    await run(...command('-k', 'shutdown'));
    await exchange?.stop();
    await network?.close();
    rmSync(folder, { recursive: true, force: true });
  }, PATIENCE);

  const command = (...args: string[]): [string, ...string[]] => [
    'squid',
    '-n',
    `cutover${process.pid}`,
    '-f',
    join(folder, 'squid.conf'),
    ...args,
  ];
  function run(...words: [string, ...string[]]): Promise<Finished> {
    const [program, ...args] = network.inside(...words);
    return runToEnd(program, args);
  }
  const outrigger = (...args: string[]): Promise<Finished> => run(process.execPath, BIN, ...args);

  it(
    'gives the port to Outrigger, through which Outlook connects, and takes it back',
    async () => {
      const rules = join(folder, 'outrigger.yaml');
      const conf = join(folder, 'squid.conf');
      expect([0, 2]).toContain((await outrigger('import', '--squid', conf, '-o', rules)).code);
      const shown = await outrigger('plan', rules, '--squid', conf);
      expect(shown.code, shown.err).toBe(0);
      expect(shown.out).toMatch(
        /Take Squid off 203\.0\.113\.10:443, 203\.0\.113\.11:443, 203\.0\.113\.10:80\. [^\n]*for 3 s \(shutdown_lifetime\)/,
      );
      expect(shown.out).toMatch(/disable --now squid[\s\S]*Put Outrigger on/);

      const backups = join(folder, 'backups');
      const services = [
        '--stop-squid',
        command('-k', 'shutdown'),
        '--start-squid',
        command(),
        '--start-outrigger',
        [process.execPath, BIN, 'run', rules],
      ];
      const options = services.map((each) => (typeof each === 'string' ? each : each.join(' ')));
      const applied = await outrigger('plan', rules, '--squid', conf, '--apply', '--backups', backups, ...options);
      expect(applied.code, applied.err).toBe(0);
      expect(applied.err).toMatch(
        /Squid has ended, Outrigger on 203\.0\.113\.10:443, 203\.0\.113\.11:443, 203\.0\.113\.10:80; nobody listened for \d+ ms/,
      );
      if (impacket !== undefined) {
        const url = 'https://mail.contoso.com/rpc/rpcproxy.dll';
        const ran = await run(
          PYTHON,
          clientScript('impacket_connect.py'),
          url,
          PUBLIC,
          'lab',
          'Secret1',
          'LAB',
          'ntlm',
        );
        expect(ran).toMatchObject({ code: 0, out: 'connected\n' });
      }
      const back = await outrigger('rollback', '--backups', backups);
      expect(back.code, back.err).toBe(0);
      expect(back.err).toContain('Squid is back on 203.0.113.10:443');
      expect((await run('ss', '-ltnp')).out).toMatch(/203\.0\.113\.10:443\s.*squid/);
    },
    PATIENCE,
  );
});
