// Room: servers of an upstream and how they are dialled: in order, the next one only where none was reached. A
// connection belongs to one client connection and is never shared.
import { isDeepStrictEqual } from 'node:util';
import { connectionLimits, parseServer, type RuleSet, type Server, serverNames, type Upstream } from '@outrigger/rules';
import { rendezvousOrder } from './affinity.ts';
import { type Dialled, dialOnce } from './dial.ts';
import { type Failure, type FailureCode, serverFull } from './failure.ts';
import type { PemReader } from './pem.ts';
import type { Ends } from './proxyheader.ts';
import { createSeats, type Seat, type Seats } from './seats.ts';
import {
  type ConnectionTls,
  connectionTls,
  type SecureContexts,
  type SecureMaterial,
  type ServerTls,
  serverTls,
} from './servertls.ts';
import type { SessionCache } from './sessions.ts';
import type { StartProblem } from './start.ts';

/** Milliseconds a server that could not be reached is tried last, so that not every client waits for the dead one. */
const SHUNNED = 10_000;

/** What of a request decides how its server is dialled. */
export type Asked = {
  /** Lower case, without port; empty where the request names none. */
  host: string;
  /** Who comes back to the same server (affinity.ts); absent where the order of the rules holds for all. */
  belongsTo?: string;
  /** The client's own connection, as the PROXY protocol tells servers of it; absent where we dial for ourselves. */
  ends?: Ends;
  /** Another upstream takes over where no server of this one can be reached, which is then told. */
  hasFallback?: true;
};

export type Dialler = {
  /** Requests of one client with the same key may follow each other on one connection: it says all that was chosen for it. */
  key(asked: Asked): string;
  /** Dials a server of the upstream. `cancel` aborts when the client is gone. */
  dial(asked: Asked, cancel: AbortSignal): Promise<Dialled>;
  /** True where each server failed its health checks, or could not be reached a moment ago: any other upstream is a better choice. */
  isUnwell(): boolean;
};

/** One server of an upstream, for whoever watches its health. */
export type WatchedServer = {
  /** As the rules write it. */
  readonly url: string;
  /** Found unwell: others are tried before it. */
  down: boolean;
  /** Dials this server and no other. */
  dial(asked: Asked, cancel: AbortSignal): Promise<Dialled>;
};

/** The dialler of an upstream's own servers, with all that is known of them: health, who is shunned, TLS sessions. */
export type ServerDialler = Dialler & {
  servers: readonly WatchedServer[];
  /** Connects and no more, for a connection that passes through with its own TLS. */
  dialUnread(asked: Asked, cancel: AbortSignal): Promise<Dialled>;
  /** True where these settings, files included, would make the very same dialler. */
  isFor(upstream: Upstream, material: SecureMaterial): boolean;
};

export type DiallersResult =
  | { kind: 'diallers'; diallers: ReadonlyMap<string, ServerDialler> }
  | { kind: 'bad'; problems: StartProblem[] };

/** What is told when another server takes over, and when the first is back. Closed; each has its line in the README. */
export type FailoverCode = 'SERVER_UNREACHABLE' | 'SERVER_REACHED';

/** Who hears of it. */
export type TellFailover = (finding: { severity: 'warning' | 'note'; code: FailoverCode; message: string }) => void;

/** One dialler for each upstream of the rules, its files read and checked once; the one of `before` where nothing has changed. */
export function createDiallers(
  rules: RuleSet,
  reader: PemReader,
  now: () => number,
  tell: TellFailover,
  before: ReadonlyMap<string, ServerDialler> = new Map(),
): DiallersResult {
  const problems: StartProblem[] = [];
  const diallers = new Map<string, ServerDialler>();
  const contexts: SecureContexts = new Map();
  for (const [name, upstream] of rules.upstreams) {
    const secure = serverTls(name, upstream, reader, contexts);
    const kept = before.get(name);
    if (secure.kind === 'bad') problems.push(secure.problem);
    else if (kept?.isFor(upstream, secure.material)) diallers.set(name, kept);
    else diallers.set(name, createDialler(name, upstream, secure, now, tell));
  }
  return problems.length > 0 ? { kind: 'bad', problems } : { kind: 'diallers', diallers };
}

type Target = WatchedServer & {
  server: Server;
  /** Its share of clients; absent where the rules give none. */
  weight: number | undefined;
  /** Absent where any number of connections will do. */
  seats: Seats | undefined;
  place: string;
  /** It could not be reached, and has not been since; it was told. */
  unreachable: boolean;
  /** Tried last until then, milliseconds since 1970. */
  shunnedUntil: number;
  sessions: SessionCache;
};

function createDialler(
  name: string,
  upstream: Upstream,
  { tls, material }: { tls: ServerTls | undefined; material: SecureMaterial },
  now: () => number,
  tell: TellFailover,
): ServerDialler {
  const tlsFor = ({ server }: Target, { host }: Asked): ConnectionTls | undefined =>
    tls && server.scheme === 'https' ? connectionTls(tls, serverNames(server, upstream, host), now) : undefined;
  const sniFor = (target: Target, asked: Asked): string | undefined => tlsFor(target, asked)?.options.servername;
  const limits = connectionLimits(upstream);
  const servers = upstream.servers.map((url, index): Target => {
    const server = parseServer(url);
    if (server === undefined) throw new Error(`a server that is no URL passed the loader: ${url}`);
    const limit = limits[index];
    const target: Target = {
      server,
      weight: upstream.weights?.[index],
      seats: limit === undefined ? undefined : createSeats(limit),
      url,
      place: `${name} (${url})`,
      down: false,
      unreachable: false,
      shunnedUntil: 0,
      sessions: new Map(),
      dial: (asked, cancel) => dialOnce(target, upstream, tlsFor(target, asked), asked.ends, cancel),
    };
    return target;
  });

  // With affinity or without, the order is the same for all connections of a client: both channels of a virtual connection, and
  // one that replaces OUT hours later, must meet at one server (MS-RPCH 3.2.4.5.6.1).
  const orderFor = ({ belongsTo }: Asked): readonly Target[] =>
    belongsTo === undefined || servers.length === 1 ? servers : rendezvousOrder(servers, belongsTo);
  /** None is left out: where all are unwell, each is still tried. */
  const unwellLast = ({ down, shunnedUntil }: Target): number => (down ? 2 : shunnedUntil > now() ? 1 : 0);

  /** Dials in order until one is reached. `blames`: the failure is the server's own, and it is tried last for a while. */
  async function dialFirst(
    asked: Asked,
    dial: (target: Target) => Promise<Dialled>,
    blames: (target: Target, failure: Failure) => boolean,
  ): Promise<Dialled> {
    let last: Dialled = { kind: 'cancelled' };
    for (const target of [...orderFor(asked)].sort((a, b) => unwellLast(a) - unwellLast(b))) {
      const seat = target.seats?.take();
      if (seat === undefined && target.seats !== undefined) {
        last = { kind: 'failed', failure: serverFull(target.place, target.seats.limit), server: target.url };
        continue;
      }
      last = seated(await dial(target), seat);
      if (last.kind === 'connected') takeBack(target);
      if (last.kind !== 'failed') return last;
      if (last.failure.whose === 'upstream' && blames(target, last.failure)) shun(target, last.failure, asked);
    }
    return last;
  }

  return {
    servers,
    key(asked) {
      const names = new Set(servers.map((target) => sniFor(target, asked) ?? ''));
      return [...names, orderFor(asked)[0]?.url].join();
    },
    dial: (asked, cancel) =>
      dialFirst(
        asked,
        (target) => target.dial(asked, cancel),
        // A handshake that fails under a name the client made up must not turn others away from a server that is well.
        (target, { code }) => sniFor(target, asked) === sniFor(target, NOBODY) || BEFORE_HANDSHAKE.has(code),
      ),
    dialUnread: (asked, cancel) =>
      dialFirst(
        asked,
        (target) => dialOnce(target, upstream, undefined, asked.ends, cancel),
        () => true,
      ),
    isUnwell: () => servers.every((target) => unwellLast(target) > 0),
    isFor: (other, itsMaterial) =>
      isDeepStrictEqual(settingsOf(other), settingsOf(upstream)) && isDeepStrictEqual(itsMaterial, material),
  };

  /** Where there is one server and no fallback, the record of each request says the same. */
  function shun(target: Target, { message }: Failure, { hasFallback }: Asked): void {
    target.shunnedUntil = now() + SHUNNED;
    if (target.unreachable || (servers.length === 1 && hasFallback === undefined)) return;
    target.unreachable = true;
    tell({
      severity: 'warning',
      code: 'SERVER_UNREACHABLE',
      message: `${message} Other servers are tried before it; it is tried again every ${SHUNNED / 1_000} s.`,
    });
  }

  function takeBack(target: Target): void {
    target.shunnedUntil = 0;
    if (!target.unreachable) return;
    target.unreachable = false;
    tell({ severity: 'note', code: 'SERVER_REACHED', message: `${target.place} can be reached again.` });
  }
}

/** The seat stays taken for as long as the connection lives. */
function seated(dialled: Dialled, seat: Seat | undefined): Dialled {
  if (seat === undefined) return dialled;
  if (dialled.kind !== 'connected') {
    seat.leave();
    return dialled;
  }
  dialled.socket.once('close', seat.leave);
  return { ...dialled, seat };
}

/** Without the places it was written at, which move with the lines above. */
function settingsOf({ at: _at, from: _from, ...settings }: Upstream): Omit<Upstream, 'at' | 'from'> {
  return settings;
}

/** A request without a Host: what is sent for it is what the rules say. */
const NOBODY: Asked = { host: '' };

/** Failures in which no name has been sent yet, or nothing came of it. */
const BEFORE_HANDSHAKE: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'UPSTREAM_REFUSED',
  'UPSTREAM_UNREACHABLE',
  'UPSTREAM_NAME_UNKNOWN',
  'UPSTREAM_CONNECT_TIMEOUT',
]);
