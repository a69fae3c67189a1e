// Room: active health checks. Each server of an upstream with `health` is asked for a page on a connection of its own, again and
// again; one that does not give it is tried last by new connections. Those that live on it are left alone: they may be well.
import type { Duplex } from 'node:stream';
import type { Health, RuleSet, Upstream } from '@outrigger/rules';
import type { NoticeRecord } from './accesslog.ts';
import { responseHeadReader } from './http1/head.ts';
import type { Asked, ServerDialler, WatchedServer } from './upstream.ts';

/** What is told when a server changes. Closed; each has its line in the README. */
export type HealthCode = 'SERVER_DOWN' | 'SERVER_UP';

/** Checks in a row that must say so before a server changes: one lost packet, or one good second, is no news. */
const CONFIRMATIONS = 2;

/** Bytes of the head of an answer, as in the relay. */
const RESPONSE_HEAD = 128 * 1024;

type Watch = {
  /** Ends all checks, those under way included. */
  close(): void;
};

export type HealthWatch = Watch & {
  /**
   * Watches the servers of these rules from now on, and no others. An upstream whose dialler was there before goes on as it was; of
   * a new one the first check, which begins at once, is believed by itself.
   */
  watch(rules: RuleSet, diallers: ReadonlyMap<string, ServerDialler>): void;
};

/** `now`: milliseconds since 1970. */
export function watchHealth(report: (record: NoticeRecord) => void, now: () => number): HealthWatch {
  const watches = new Map<ServerDialler, Watch[]>();

  function end(dialler: ServerDialler): void {
    for (const watch of watches.get(dialler) ?? []) watch.close();
    watches.delete(dialler);
  }

  function watchUpstream(name: string, upstream: Upstream, health: Health, servers: readonly WatchedServer[]): Watch[] {
    const consequence = servers.length > 1 ? ' Other servers of the upstream are tried before it.' : '';
    return servers.map((server) => {
      const place = `${name} (${server.url})`;
      const tell = (severity: NoticeRecord['severity'], code: HealthCode, message: string): void =>
        report({ kind: 'notice', at: now(), severity, code, message: `${place} ${message}` });
      const said = {
        down: (finding: string): void => tell('warning', 'SERVER_DOWN', `is down: ${finding}.${consequence}`),
        up: (): void => tell('note', 'SERVER_UP', `is up: GET ${health.path} is answered as expected.`),
      };
      return watchServer(server, health, hostFor(upstream, health, server), said);
    });
  }

  return {
    watch(rules, diallers) {
      const wanted = new Set(diallers.values());
      for (const dialler of watches.keys()) if (!wanted.has(dialler)) end(dialler);
      for (const [name, upstream] of rules.upstreams) {
        const dialler = diallers.get(name);
        if (upstream.health === undefined || dialler === undefined || watches.has(dialler)) continue;
        watches.set(dialler, watchUpstream(name, upstream, upstream.health, dialler.servers));
      }
    },
    close() {
      for (const dialler of watches.keys()) end(dialler);
    },
  };
}

function watchServer(
  server: WatchedServer,
  health: Health,
  host: string,
  say: { down(finding: string): void; up(): void },
): Watch {
  let closed = false;
  let underWay: Check | undefined;
  let timer: NodeJS.Timeout | undefined;
  /** Checks in a row that say other than `server.down` does. */
  let contradictions = CONFIRMATIONS - 1;

  async function check(): Promise<void> {
    underWay = beginCheck(server, health, host);
    const finding = await underWay.finding;
    if (closed) return;
    const down = finding !== undefined;
    contradictions = down === server.down ? 0 : contradictions + 1;
    if (contradictions >= CONFIRMATIONS) {
      contradictions = 0;
      server.down = down;
      if (finding === undefined) say.up();
      else say.down(finding);
    }
    timer = setTimeout(check, health.interval).unref();
  }

  void check();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      underWay?.cancel();
    },
  };
}

type Check = {
  /** What is wrong with the server, as a sentence without its subject and full stop; undefined where it is well. */
  finding: Promise<string | undefined>;
  cancel(): void;
};

function beginCheck(server: WatchedServer, { path, timeout, expect }: Health, host: string): Check {
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort('no answer in time'), timeout).unref();

  async function findTrouble(): Promise<string | undefined> {
    const dialled = await server.dial(askedFor(host), ending.signal);
    if (dialled.kind === 'failed') return dialled.failure.message.replace(/\.$/, '');
    const status = dialled.kind === 'connected' ? await statusOf(dialled.socket, path, host, ending.signal) : undefined;
    if (ending.signal.aborted) return `GET ${path} had no answer within ${timeout} ms`;
    if (status === undefined) return `GET ${path} had no answer of HTTP/1`;
    const well = expect === undefined ? status < 400 : expect.includes(status);
    return well ? undefined : `GET ${path} was answered ${status}`;
  }

  return {
    finding: findTrouble().finally(() => clearTimeout(timer)),
    cancel: () => ending.abort('the edge closes'),
  };
}

/** Asks and gives back the final status; undefined where the answer is none, or was cancelled. The connection ends with it. */
function statusOf(socket: Duplex, path: string, host: string, cancel: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve) => {
    const reader = responseHeadReader({ head: RESPONSE_HEAD });
    const settle = (status?: number): void => {
      cancel.removeEventListener('abort', onCancel);
      socket.destroy();
      resolve(status);
    };
    const onCancel = (): void => settle();
    cancel.addEventListener('abort', onCancel);
    socket.on('data', (chunk: Buffer) => {
      for (let rest = chunk; rest.length > 0; ) {
        const read = reader.push(rest);
        if (read.kind === 'more') return;
        if (read.kind === 'bad') return settle();
        if (read.head.status >= 200) return settle(read.head.status);
        ({ rest } = read);
      }
    });
    socket.on('end', onCancel);
    socket.on('error', onCancel);
    socket.on('close', onCancel);
    const fields = [`Host: ${host}`, 'User-Agent: Outrigger-Health', 'Accept: */*', 'Connection: close'];
    socket.write(`GET ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`, 'latin1');
  });
}

/** The Host of a check: the one for checks, the one the servers get, the name of their certificate, or the server itself. */
function hostFor(upstream: Upstream, health: Health, { url }: WatchedServer): string {
  const itself = /^https?:\/\/([^/]+)/.exec(url)?.[1] ?? 'localhost';
  const named = upstream.tls?.serverName?.find((name) => !name.startsWith('.'));
  return health.host ?? upstream.host ?? named ?? itself;
}

function askedFor(host: string): Asked {
  return { host: host.toLowerCase().replace(/:\d*$/, '') };
}
