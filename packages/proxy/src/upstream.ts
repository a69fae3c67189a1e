// Room: servers of an upstream and how they are dialled: in order, the next one only where none was reached; TLS with one
// secure context per upstream and its sessions used again. A connection belongs to one client connection and is never shared.
import { connect as connectPlain, type Socket, type TcpNetConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect as connectTls,
  createSecureContext,
  type SecureContextOptions,
} from 'node:tls';
import {
  parseServer,
  passedThroughTo,
  type RuleSet,
  type Server,
  type ServerNames,
  serverNames,
  type Upstream,
} from '@outrigger/rules';
import { rendezvousOrder } from './affinity.ts';
import { connectTimeout, type Failure, upstreamFailure } from './failure.ts';
import { loadKeyPair, type PemReader, readPem } from './pem.ts';
import { type Ends, proxyHeaderBytes } from './proxyheader.ts';
import { keepSessions, type SessionCache, sessionFor } from './sessions.ts';
import type { StartProblem } from './start.ts';

/**
 * Milliseconds of silence before the kernel asks a peer whether it still lives, on both legs. Devices on the way forget
 * idle connections after minutes; field case 8 lost a channel to one that did after five.
 */
export const TCP_KEEP_ALIVE = 60_000;

/** Milliseconds a server that could not be reached is tried last, so that not every client waits for the dead one. */
const SHUNNED = 10_000;

/** Milliseconds for one address of a name before the next is tried beside it (RFC 8305 5); node's 250 is short for a WAN. */
const ADDRESS_ATTEMPT = 1_000;

export type Dialled =
  | { kind: 'connected'; socket: Duplex; server: string }
  | { kind: 'failed'; failure: Failure; server: string }
  | { kind: 'cancelled' };

/** What of a request decides how its server is dialled. */
export type Asked = {
  /** Lower case, without port; empty where the request names none. */
  host: string;
  /** Who comes back to the same server (affinity.ts); absent where the order of the rules holds for all. */
  belongsTo?: string;
  /** The client's own connection, as the PROXY protocol tells servers of it. */
  ends: Ends;
};

export type Dialler = {
  /** Requests of one client with the same key may follow each other on one connection: it says all that was chosen for it. */
  key(asked: Asked): string;
  /** Dials a server of the upstream. `cancel` aborts when the client is gone. */
  dial(asked: Asked, cancel: AbortSignal): Promise<Dialled>;
};

export type DiallersResult =
  | { kind: 'diallers'; diallers: ReadonlyMap<string, Dialler> }
  | { kind: 'bad'; problems: StartProblem[] };

/** One dialler for each upstream of the rules, its files read and checked once. */
export function createDiallers(rules: RuleSet, reader: PemReader, now: () => number): DiallersResult {
  const problems: StartProblem[] = [];
  const diallers = new Map<string, Dialler>();
  for (const [name, upstream] of rules.upstreams) {
    const secure = secureOptions(upstream, reader);
    if (secure.kind === 'bad') problems.push(secure.problem);
    else diallers.set(name, createDialler(name, upstream, secure.options, now));
  }
  return problems.length > 0 ? { kind: 'bad', problems } : { kind: 'diallers', diallers };
}

/** Diallers that only connect, for what passes through with its own TLS. */
export function createTcpDiallers(rules: RuleSet, now: () => number): ReadonlyMap<string, Dialler> {
  const diallers = new Map<string, Dialler>();
  for (const name of passedThroughTo(rules)) {
    const upstream = rules.upstreams.get(name);
    if (upstream === undefined) throw new Error(`a pass-through to an unknown upstream passed the loader: ${name}`);
    diallers.set(name, createDialler(name, upstream, undefined, now));
  }
  return diallers;
}

type Target = { server: Server; url: string; place: string; shunnedUntil: number; sessions: SessionCache };

/** `tls` undefined: TCP alone, whatever the URL of a server says. */
function createDialler(
  name: string,
  upstream: Upstream,
  tls: ConnectionOptions | undefined,
  now: () => number,
): Dialler {
  const targets = upstream.servers.map((url): Target => {
    const server = parseServer(url);
    if (server === undefined) throw new Error(`a server that is no URL passed the loader: ${url}`);
    return { server, url, place: `${name} (${url})`, shunnedUntil: 0, sessions: new Map() };
  });
  const namesFor = ({ server }: Target, { host }: Asked) => serverNames(server, upstream, host);
  const secure = targets.filter(({ server }) => server.scheme === 'https');

  // With affinity or without, the order is the same for all connections of a client: both channels of a virtual connection, and
  // one that replaces OUT hours later, must meet at one server (MS-RPCH 3.2.4.5.6.1).
  const orderFor = ({ belongsTo }: Asked): readonly Target[] =>
    belongsTo === undefined || targets.length === 1 ? targets : rendezvousOrder(targets, belongsTo);

  return {
    key(asked) {
      const names = new Set(secure.map((target) => namesFor(target, asked).sni ?? ''));
      return [...names, orderFor(asked)[0]?.url].join();
    },
    async dial(asked, cancel) {
      const order = [...orderFor(asked)].sort(
        (a, b) => Number(a.shunnedUntil > now()) - Number(b.shunnedUntil > now()),
      );
      let last: Dialled = { kind: 'cancelled' };
      for (const target of order) {
        const named = tls && { ...tls, ...tlsNames(namesFor(target, asked)) };
        last = await dialOnce(target, upstream, named, asked.ends, cancel);
        if (last.kind === 'connected') target.shunnedUntil = 0;
        if (last.kind !== 'failed') return last;
        target.shunnedUntil = now() + SHUNNED;
      }
      return last;
    },
  };
}

function dialOnce(
  target: Target,
  upstream: Upstream,
  tls: ConnectionOptions | undefined,
  ends: Ends,
  cancel: AbortSignal,
): Promise<Dialled> {
  const { server, url, place, sessions } = target;
  const { servername: name = '' } = tls ?? {};
  return new Promise((resolve) => {
    if (cancel.aborted) return resolve({ kind: 'cancelled' });
    const address = {
      host: server.host,
      port: server.port,
      allowHalfOpen: true,
      autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT,
    };
    const { proxyProtocol } = upstream;
    const secures = server.scheme === 'https' && tls !== undefined;
    const beneath = proxyProtocol && connectAnnounced(address, proxyHeaderBytes(proxyProtocol, ends));
    const socket = secures
      ? connectTls({
          ...(beneath === undefined ? address : { socket: beneath }),
          ...tls,
          ...sessionFor(sessions, name),
        })
      : (beneath ?? connectPlain(address));
    const settle = (dialled: Dialled): void => {
      clearTimeout(timer);
      cancel.removeEventListener('abort', onCancel);
      socket.off('error', onError);
      socket.off('connect', onConnect);
      socket.off('secureConnect', onConnect);
      if (dialled.kind !== 'connected') {
        socket.on('error', () => {}); // of a socket that nobody has any more
        socket.destroy();
      }
      resolve(dialled);
    };
    const fail = (failure: Failure): void => settle({ kind: 'failed', failure, server: url });
    const onCancel = (): void => settle({ kind: 'cancelled' });
    const onError = (error: NodeJS.ErrnoException): void => fail(upstreamFailure(error, place));
    const onConnect = (): void => {
      // PDUs are small and answered one by one: nothing may wait for company (Nagle), nor die unnoticed.
      socket.setNoDelay(true);
      socket.setKeepAlive(true, TCP_KEEP_ALIVE);
      settle({ kind: 'connected', socket, server: url });
    };
    const { connect } = upstream.timeouts;
    const timer = setTimeout(() => fail(connectTimeout(place, connect)), connect);
    cancel.addEventListener('abort', onCancel);
    socket.on('error', onError);
    if (secures) {
      socket.on('secureConnect', onConnect);
      keepSessions(socket, sessions, name);
    } else {
      socket.on('connect', onConnect);
    }
  });
}

/** A TCP connection whose first bytes, ahead of any TLS, are a PROXY header. */
function connectAnnounced(address: TcpNetConnectOpts, header: Buffer): Socket {
  const socket = connectPlain(address);
  // Nobody else has it yet, and node keeps what is written until it is connected.
  socket.write(header);
  return socket;
}

/** Node would check the certificate for the name it sends, which may be one that the client chose. */
function tlsNames({ sni, checked }: ServerNames): ConnectionOptions {
  return {
    ...(sni !== undefined && { servername: sni }),
    checkServerIdentity: (_sent, certificate) => checkServerIdentity(checked, certificate),
  };
}

type SecureOptions = { kind: 'options'; options: ConnectionOptions } | { kind: 'bad'; problem: StartProblem };

/** One secure context per upstream: building one per connection halves the rate of connections. */
function secureOptions({ tls, servers }: Upstream, reader: PemReader): SecureOptions {
  if (!servers.some((url) => url.startsWith('https:'))) return { kind: 'options', options: {} };
  const material: SecureContextOptions = {};
  if (tls?.ca !== undefined) {
    const ca = readPem(reader, tls.ca);
    if (ca.kind === 'bad') return ca;
    material.ca = ca.pem;
  }
  const shared = {
    rejectUnauthorized: tls?.verify ?? true,
    // IIS serves RPC over HTTP in HTTP/1.1 only, and what the relay carries is HTTP/1.
    ALPNProtocols: ['http/1.1'],
  };
  if (tls?.certificate === undefined) {
    return { kind: 'options', options: { ...shared, secureContext: createSecureContext(material) } };
  }
  const loaded = loadKeyPair(tls.certificate, reader, material);
  if (loaded.kind === 'bad') return loaded;
  return { kind: 'options', options: { ...shared, secureContext: loaded.pair.context } };
}
