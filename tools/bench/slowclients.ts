// Room: many clients that each send a byte a second and never end their head, and what one honest client is served meanwhile.
// The proxy runs as its own process, so that its memory is its own; Linux only, for /proc and for 127.0.0.0/8.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { createAuthority, saveLeaf } from '../certs.ts';
import { freePort } from '../daemons.ts';
import { startOrigin } from '../origin.ts';
import { startOutrigger, topFolder } from '../start/programs.ts';
import { connect, readResponse } from '../wire.ts';

export type Figures = {
  /** Slow connections that were open at once, at most and at the end. */
  most: number;
  atEnd: number;
  /** Connections the proxy closed, each of which was opened anew, as fast as OPENING allows. */
  reopened: number;
  /** Memory of the proxy in MiB: before the first connection, and its peak (VmHWM of proc(5)). */
  memoryBefore: number;
  memoryPeak: number;
  /** What the honest client got: requests, those that were not answered 200, and milliseconds each took. */
  served: { requests: number; failures: number; median: number; p99: number; worst: number };
};

/** Handshakes under way at once: more would measure this process's queue, not the proxy. */
const OPENING = 64;
/** Connections from one loopback address: under limits.connectionsPerClient, as an attacker with a botnet would stay. */
const PER_ADDRESS = 1_000;
/** Milliseconds between two bytes of one connection, and slices of that time in which the connections take turns. */
const BYTE_INTERVAL = 1_000;
const SLICES = 20;
/** Milliseconds between two requests of the honest client, and what it waits for each. */
const ASK_INTERVAL = 50;
const PATIENCE = 10_000;
const HEAD_BEGIN = 'GET /slow HTTP/1.1\r\nHost: slow.test\r\nX-Slow: ';

/** Opens `connections` slow ones against `outrigger run`, keeps them for `seconds`, and says what was seen. */
export async function measureSlowClients(wanted: {
  connections: number;
  seconds: number;
  tls: boolean;
}): Promise<Figures> {
  const { connections, seconds, tls } = wanted;
  const folder = await mkdtemp(join(tmpdir(), 'outrigger-slow-'));
  const origin = await startOrigin({ name: 'origin' });
  const port = await freePort();
  const leaf = await (await createAuthority()).issue({ names: ['slow.test'] });
  const { cert, key } = await saveLeaf(leaf, folder, 'front');
  const rules = join(folder, 'rules.yaml');
  const secure = tls ? `, tls: { certificates: [{ cert: ${cert}, key: ${key} }] }` : '';
  await writeFile(
    rules,
    `listen: [{ address: '127.0.0.1:${port}'${secure} }]
upstreams: { origin: { servers: ['http://127.0.0.1:${origin.port}'] } }
access: [{ allow: {} }]
routes: [{ to: origin }]
`,
  );
  const proxy = await startOutrigger(topFolder(fileURLToPath(import.meta.url)), rules);
  const slow = openSlowClients(port, tls);
  try {
    const memoryBefore = await memory(proxy.pid, 'VmRSS');
    const honest = askOnAndOn(port, tls);
    await slow.open(connections);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    const served = await honest.stop();
    return {
      most: slow.most,
      atEnd: slow.count,
      reopened: slow.reopened,
      memoryBefore,
      memoryPeak: await memory(proxy.pid, 'VmHWM'),
      served,
    };
  } finally {
    slow.close();
    await proxy.stop();
    await origin.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function openSlowClients(port: number, tls: boolean) {
  const sockets = new Set<Socket>();
  let number = 0;
  let most = 0;
  let reopened = 0;
  let closed = false;
  let wanted = 0;
  let opening = 0;
  let allTried = (): void => {};

  /** Keeps OPENING handshakes under way while fewer are open than are wanted. */
  function fill(): void {
    while (!closed && opening < OPENING && sockets.size + opening < wanted) {
      opening += 1;
      void openOne().then(() => {
        opening -= 1;
        if (number >= wanted) allTried();
        fill();
      });
    }
  }

  function openOne(): Promise<void> {
    const from = Math.floor(number / PER_ADDRESS);
    number += 1;
    return new Promise((resolve) => {
      const address = { host: '127.0.0.1', port, localAddress: `127.0.1.${1 + (from % 250)}` };
      const raw = createConnection(address);
      const socket = tls ? connectTls({ socket: raw, rejectUnauthorized: false }) : raw;
      raw.setNoDelay(true);
      raw.on('error', () => {});
      socket.on('error', () => {});
      socket.once(tls ? 'secureConnect' : 'connect', () => {
        socket.write(HEAD_BEGIN);
        sockets.add(socket);
        most = Math.max(most, sockets.size);
        resolve();
      });
      socket.resume();
      socket.once('close', () => {
        resolve();
        if (!sockets.delete(socket) || closed) return;
        reopened += 1;
        fill();
      });
    });
  }

  let slice = 0;
  const timer = setInterval(() => {
    slice = (slice + 1) % SLICES;
    let index = 0;
    for (const socket of sockets) if (index++ % SLICES === slice) socket.write('a');
  }, BYTE_INTERVAL / SLICES);

  return {
    get count() {
      return sockets.size;
    },
    get most() {
      return most;
    },
    get reopened() {
      return reopened;
    },
    /** Resolves when so many were opened, whatever became of them. */
    open(count: number): Promise<void> {
      wanted = count;
      return new Promise((resolve) => {
        allTried = resolve;
        fill();
      });
    },
    close() {
      closed = true;
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A client that asks for one page after another, each on a connection of its own, as a visitor who comes in just now. */
function askOnAndOn(port: number, tls: boolean) {
  const times: number[] = [];
  let failures = 0;
  let asking = true;
  const asks = (async () => {
    while (asking) {
      const started = performance.now();
      if (!(await ask(port, tls))) failures += 1;
      times.push(performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, ASK_INTERVAL));
    }
  })();
  return {
    async stop(): Promise<Figures['served']> {
      asking = false;
      await asks;
      const sorted = times.sort((a, b) => a - b);
      const at = (part: number): number => Math.round(sorted[Math.floor((sorted.length - 1) * part)] ?? 0);
      return { requests: sorted.length, failures, median: at(0.5), p99: at(0.99), worst: at(1) };
    },
  };
}

async function ask(port: number, tls: boolean): Promise<boolean> {
  try {
    const wire = await connect({ host: '127.0.0.1', port, ...(tls && { tls: { rejectUnauthorized: false } }) });
    await wire.send('GET /page HTTP/1.1\r\nHost: slow.test\r\n\r\n');
    const read = await readResponse(wire, { milliseconds: PATIENCE });
    await wire.close();
    return read.kind === 'response' && read.response.status === 200;
  } catch {
    return false; // refused or late: what the figures are about
  }
}

/** A line of /proc/PID/status in MiB. */
async function memory(pid: number, line: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1');
  const kibibytes = new RegExp(`^${line}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  return Math.round(Number(kibibytes) / 1_024);
}
