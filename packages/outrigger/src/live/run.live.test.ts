import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startApache } from '@outrigger/tools/apache/index';
import { freePort } from '@outrigger/tools/daemons';
import { field } from '@outrigger/tools/message';
import { connect, expectResponse, type Wire } from '@outrigger/tools/wire';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openStage, type Stage } from './stage.ts';

// The command as a process: what it prints, what ends it, and with which code.

const BIN = fileURLToPath(new URL('../../bin/outrigger.js', import.meta.url));
/** Milliseconds for a process to say what is waited for: it starts in a third of a second. */
const PATIENCE = 20_000;

type Running = {
  child: ChildProcess;
  said: () => string;
  until(what: RegExp): Promise<void>;
  ended: Promise<number | null>;
};

let stage: Stage;
let apache: Awaited<ReturnType<typeof startApache>>;
let rules: (port: number) => string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  stage = await openStage();
  apache = await startApache();
  rules = (port) =>
    stage.write(
      `rules-${port}.yaml`,
      // Names without a folder: they are taken from the folder of the rules file.
      `listen: [{ address: '127.0.0.1:${port}', tls: { certificates: [{ cert: front.crt, key: front.key }] } }]
upstreams: { apache: { servers: ['http://${apache.address}'] } }
access: [{ allow: {} }]
routes: [{ to: apache }]
`,
    );
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
});
afterAll(async () => {
  await apache?.close();
  await stage?.close();
});

function run(...args: string[]): Running {
  const child = spawn(process.execPath, [BIN, 'run', ...args], { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  const until = async (what: RegExp): Promise<void> => {
    const deadline = Date.now() + PATIENCE;
    while (!what.test(text)) {
      if (Date.now() > deadline || child.exitCode !== null) throw new Error(`${what} was not said. Said: ${text}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return { child, said: () => text, until, ended: once(child, 'exit').then(([code]) => code as number | null) };
}

async function get(port: number, path = '/'): Promise<Wire> {
  const wire = await connect({ host: '127.0.0.1', port, tls: { rejectUnauthorized: false } });
  await wire.send(`GET ${path} HTTP/1.1\r\nHost: contoso.com\r\n\r\n`);
  const response = await expectResponse(wire);
  expect(field(response.fields, 'X-Stand-In')).toBe('apache');
  return wire;
}

describe('outrigger run', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'serves until %s, closes idle connections, and ends with 0',
    async (signal) => {
      const port = await freePort();
      const running = run(rules(port));
      await running.until(/listening on 127\.0\.0\.1:\d+/);
      const wire = await get(port, '/page');
      running.child.kill(signal);
      expect(await running.ended).toBe(0);
      await wire.close();
      expect(running.said()).toMatch(
        / info 127\.0\.0\.1:\d+ \S+ GET contoso\.com \/page HTTP\/1\.1 200 -> apache http:\/\/\S+ HTTP\/1\.1 up=0 down=\d+ ms=\d+ end=complete rule=\S+\.yaml:4:\d+\n/,
      );
    },
  );

  it('lets an answer under way finish after the first signal', async () => {
    const port = await freePort();
    const running = run(rules(port));
    await running.until(/listening/);
    const wire = await connect({ host: '127.0.0.1', port, tls: { rejectUnauthorized: false } });
    await wire.send('GET /?slow=600 HTTP/1.1\r\nHost: contoso.com\r\n\r\n');
    await new Promise((resolve) => setTimeout(resolve, 200));
    running.child.kill('SIGTERM');
    expect((await expectResponse(wire)).status).toBe(200);
    expect(await running.ended).toBe(0);
    await wire.close();
  });

  it('shares its listeners among workers and ends them all', async () => {
    const port = await freePort();
    const running = run(rules(port), '--workers', '2', '--log-format', 'json');
    await running.until(/listening[\s\S]*listening/);
    for (const wire of await Promise.all(Array.from({ length: 6 }, () => get(port)))) await wire.close();
    running.child.kill('SIGTERM');
    expect(await running.ended).toBe(0);
    expect(running.said()).toMatch(/"kind":"request"/);
  });

  it('says who has its address, and ends with 1', async () => {
    const running = run(rules(apache.port));
    expect(await running.ended).toBe(1);
    expect(running.said()).toMatch(/is in use.*\[ADDRESS_IN_USE\]\n$/);
    const workers = run(rules(apache.port), '--workers', '2');
    expect(await workers.ended).toBe(1);
  });

  it('refuses rules that do not load, without a stack', async () => {
    const running = run(stage.write('bad.yaml', 'listen: []\n'));
    expect(await running.ended).toBe(1);
    expect(running.said()).toMatch(/bad\.yaml:1:\d+: error: /);
    expect(running.said()).not.toMatch(/\n {4}at /);
  });
});
