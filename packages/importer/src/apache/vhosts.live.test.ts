// Which virtual host takes a request, asked of the installed Apache: on every case we know by name, and on generated ones.
// OUTRIGGER_RECORD=1 writes its verdicts down for the test that runs where there is no Apache.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { daemonOrSkip, freePort, startApache } from '@outrigger/tools/daemons';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { seedOf } from '../testing/seed.ts';
import { configOf, HOST_CASES, type HostCase, type HostRequest, ourVerdicts } from './testing/hostcases.ts';

const apache = daemonOrSkip('apache2');
const RECORD = process.env.OUTRIGGER_RECORD === '1';
const RECORDED = join(import.meta.dirname, '../../../../fixtures/apache-vhosts-2.4.71.json');
/** Configurations generated in one run; each starts an Apache. */
const RUNS = Number(process.env.OUTRIGGER_RUNS ?? 12);

async function askApache(hostCase: HostCase): Promise<string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'outrigger-apache-'));
  const ports = { P: await freePort(), Q: await freePort() };
  const apache = await startApache({ conf: configOf(hostCase, ports), dir, modules: ['alias'] });
  try {
    const verdicts: string[] = [];
    for (const request of hostCase.requests) verdicts.push(await answered(request, ports));
    return verdicts;
  } finally {
    await apache.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The label in the Location of the answer, else its status line. */
function answered({ address, port, host, path = '/' }: HostRequest, ports: { P: number; Q: number }): Promise<string> {
  const head =
    host === undefined
      ? `GET ${path} HTTP/1.0`
      : `GET ${path} HTTP/1.1\r\nHost: ${host.replace('@P@', String(ports.P))}`;
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ host: address, port: ports[port] });
    socket.on('error', reject);
    socket.on('data', (bytes) => {
      answer += bytes.toString('latin1');
    });
    socket.on('end', () => resolve(/^Location: http:\/\/(\w+)\//im.exec(answer)?.[1] ?? answer.slice(0, 12)));
    socket.end(`${head}\r\nConnection: close\r\n\r\n`);
  });
}

describe.skipIf(apache === undefined)('the virtual host that the installed Apache chooses', () => {
  const verdicts: Record<string, string[]> = {};
  afterAll(() => {
    if (RECORD) writeFileSync(RECORDED, `${JSON.stringify(verdicts, null, 1)}\n`);
  });

  it.each(HOST_CASES)('$name', async (hostCase) => {
    const verdict = await askApache(hostCase);
    verdicts[hostCase.name] = verdict;
    expect(ourVerdicts(hostCase)).toEqual(verdict);
  });

  it('is ours for generated ones', { timeout: 60_000 + RUNS * 5_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(generatedCase, async (hostCase) => {
        expect(ourVerdicts(hostCase)).toEqual(await askApache(hostCase));
      }),
      { numRuns: RUNS, seed: seedOf('generated addresses and names') },
    );
  });
});

const name = fc.constantFrom('a.test', 'b.test', 'A.c.test', 'c.test', 'd.test');
const alias = fc.constantFrom('a.test', '*.test', '*.c.test', '?.test', 'd.*', 'b.test:80', '127.0.0.1');
const address = fc
  .tuple(
    fc.constantFrom('*', '_default_', '127.0.0.1', '127.0.0.2', '0.0.0.0'),
    fc.constantFrom(':@P@', ':@Q@', ':*', ''),
  )
  .map(([host, port]) => (host === '*' && port === '' ? '*' : `${host}${port}`));
const directive = fc.oneof(
  name.map((each) => `ServerName ${each}`),
  fc.array(alias, { minLength: 1, maxLength: 3 }).map((list) => `ServerAlias ${list.join(' ')}`),
);
const requests: HostRequest[] = ['127.0.0.1', '127.0.0.2'].flatMap((ip) =>
  (['P', 'Q'] as const).flatMap((port) =>
    [undefined, 'a.test', 'B.test', 'x.a.c.test', 'a.c.test.', 'd.org', '127.0.0.1', 'main.test:1'].map((host) => ({
      address: ip,
      port,
      host,
    })),
  ),
);
const generatedCase: fc.Arbitrary<HostCase> = fc
  .array(fc.tuple(fc.uniqueArray(address, { minLength: 1, maxLength: 2 }), fc.array(directive, { maxLength: 3 })), {
    maxLength: 6,
  })
  .map((list) => ({
    name: 'generated',
    hosts: [
      'main; ServerName main.test',
      ...list.map(([addresses, directives], index) => [`v${index} ${addresses.join(' ')}`, ...directives].join('; ')),
    ],
    requests,
  }));
