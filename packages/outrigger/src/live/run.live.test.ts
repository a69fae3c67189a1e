import { type ChildProcess, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Accepted, type Acceptor, accept } from '@outrigger/tools/acceptor';
import { startApache } from '@outrigger/tools/apache/index';
import { createAuthority } from '@outrigger/tools/certs';
import { freePort } from '@outrigger/tools/daemons';
import { field, takeHead } from '@outrigger/tools/message';
import { connect, expectResponse, readResponseHead, type Wire } from '@outrigger/tools/wire';
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

/** How many of a process and its children hold a file open (proc(5)). */
function holders(pid: number, file: string): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return [pid, ...children].filter((each) =>
    readdirSync(`/proc/${each}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${each}/fd/${fd}`) === file;
      } catch {
        return false; // closed while we looked
      }
    }),
  ).length;
}

async function get(port: number, path = '/'): Promise<Wire> {
  const wire = await connect({ host: '127.0.0.1', port, tls: { rejectUnauthorized: false } });
  await wire.send(`GET ${path} HTTP/1.1\r\nHost: contoso.com\r\n\r\n`);
  const response = await expectResponse(wire);
  expect(field(response.fields, 'X-Stand-In')).toBe('apache');
  return wire;
}

/** Takes an upgrade and gives every byte back. */
function startEcho(): Promise<Acceptor> {
  return accept({}, async ({ inlet, send, finish }: Accepted) => {
    await takeHead(inlet, PATIENCE);
    await send(Buffer.from('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'));
    for (let some = await inlet.some(PATIENCE); some.kind === 'bytes'; some = await inlet.some(PATIENCE)) {
      await send(some.bytes);
    }
    finish();
  });
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

  /** Opens a channel through the proxy and gives what says whether it lives. */
  async function channel(port: number): Promise<{ wire: Wire; echoes(): Promise<boolean> }> {
    const wire = await connect({ host: '127.0.0.1', port, tls: { rejectUnauthorized: false } });
    await wire.send('GET /echo HTTP/1.1\r\nHost: contoso.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect(await readResponseHead(wire)).toMatchObject({ head: { status: 101 } });
    return {
      wire,
      async echoes() {
        await wire.send('ping');
        return (await wire.inlet.some(PATIENCE)).bytes.toString() === 'ping';
      },
    };
  }

  it.each(['1', '2'])(
    'opens access logs anew at SIGHUP, also where the rules are broken then, in %s processes',
    async (workers) => {
      const port = await freePort();
      const text = readFileSync(rules(port), 'utf8');
      const file = stage.write(
        'logged.yaml',
        `${text}accessLog: { file: logged-${workers}.log, format: '{target}' }\n`,
      );
      const [log, old] = [`logged-${workers}.log`, `logged-${workers}.log.1`].map((name) =>
        join(stage.folder, name),
      ) as [string, string];
      const running = run(file, '--workers', workers);
      await running.until(workers === '1' ? /listening/ : /listening[\s\S]*listening/);
      await (await get(port, '/before')).close();
      await expect.poll(() => readFileSync(log, 'utf8'), { timeout: PATIENCE }).toBe('/before\n');
      renameSync(log, old);
      stage.write('logged.yaml', 'no: rules');
      running.child.kill('SIGHUP');
      await running.until(/\[RELOAD_REFUSED\]/);
      await expect.poll(() => existsSync(log), { timeout: PATIENCE }).toBe(true);
      // Every worker has opened it anew once none holds the old one.
      await expect.poll(() => holders(running.child.pid ?? 0, old), { timeout: PATIENCE }).toBe(0);
      await (await get(port, '/after')).close();
      await expect.poll(() => readFileSync(log, 'utf8'), { timeout: PATIENCE }).toBe('/after\n');
      expect(readFileSync(old, 'utf8')).toBe('/before\n');
      running.child.kill('SIGTERM');
      expect(await running.ended).toBe(0);
    },
  );

  it.each(['1', '2'])(
    'serves by new rules and a renewed certificate after SIGHUP, in %s processes, and cuts no channel',
    async (workers) => {
      const echo = await startEcho();
      const port = await freePort();
      const { certPem, keyPem } = await (await createAuthority()).issue({ names: ['renewed.test'] });
      const [cert, key] = [stage.write('turn.crt', stage.pem.cert), stage.write('turn.key', stage.pem.key)];
      const file = stage.write('turn.yaml', '');
      const write = (access: string): unknown =>
        stage.write(
          'turn.yaml',
          `listen: [{ address: '127.0.0.1:${port}', tls: { certificates: [{ cert: ${cert}, key: ${key} }] } }]
upstreams: { apache: { servers: ['http://${apache.address}'] }, echo: { servers: ['http://127.0.0.1:${echo.port}'] } }
access: [${access}]
routes: [{ when: { path: { exact: /echo } }, to: echo }, { to: apache }]
`,
        );
      write('{ allow: {} }');
      const running = run(file, '--workers', workers);
      await running.until(workers === '1' ? /listening/ : /listening[\s\S]*listening/);
      const channels = [await channel(port), await channel(port), await channel(port)];
      const kept = await get(port);

      write('{ allow: {} }, { dney: {} }');
      running.child.kill('SIGHUP');
      await running.until(/turn\.yaml:3:\d+: .*\n[\s\S]*\[RELOAD_REFUSED\]/);
      await (await get(port)).close();

      stage.write('turn.crt', certPem);
      stage.write('turn.key', keyPem);
      write('{ deny: { path: { prefix: /page } } }, { allow: {} }');
      running.child.kill('SIGHUP');
      await running.until(workers === '1' ? /\[RELOADED\]/ : /\[RELOADED\][\s\S]*\[RELOADED\]/);
      await kept.send('GET /page HTTP/1.1\r\nHost: contoso.com\r\n\r\n');
      expect((await expectResponse(kept)).status).toBe(403);
      const fresh = await connect({ host: '127.0.0.1', port, tls: { rejectUnauthorized: false } });
      expect(new X509Certificate(fresh.tls?.serverCertificate ?? '').subject).toBe('CN=renewed.test');
      for (const { echoes } of channels) expect(await echoes()).toBe(true);

      running.child.kill('SIGTERM');
      running.child.kill('SIGINT');
      expect(await running.ended).toBe(0);
      for (const wire of [...channels.map((each) => each.wire), kept, fresh]) await wire.close();
      await echo.close();
    },
  );
});
