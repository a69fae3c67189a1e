// Room: servers of an upstream and how they are dialled: in order, the next one only where none was reached; TLS with one
// secure context per upstream and its sessions used again. A connection belongs to one client connection and is never shared.
import { connect as connectPlain, isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  type ConnectionOptions,
  connect as connectTls,
  createSecureContext,
  type SecureContextOptions,
} from 'node:tls';
import { parseServer, passedThroughTo, type RuleSet, type Server, type Upstream } from '@outrigger/rules';
import { connectTimeout, type Failure, upstreamFailure } from './failure.ts';
import { loadKeyPair, type PemReader, readPem } from './pem.ts';
import { type Ends, proxyHeaderBytes } from './proxyheader.ts';
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

/** Dials a server of one upstream. `cancel` aborts when the client is gone; `ends` are the client's, for the PROXY protocol. */
export type Dial = (cancel: AbortSignal, ends: Ends) => Promise<Dialled>;

export type DiallersResult =
  | { kind: 'diallers'; diallers: ReadonlyMap<string, Dial> }
  | { kind: 'bad'; problems: StartProblem[] };

/** One dialler for each upstream of the rules, its files read and checked once. */
export function createDiallers(rules: RuleSet, reader: PemReader, now: () => number): DiallersResult {
  const problems: StartProblem[] = [];
  const diallers = new Map<string, Dial>();
  for (const [name, upstream] of rules.upstreams) {
    const secure = secureOptions(upstream, reader);
    if (secure.kind === 'bad') problems.push(secure.problem);
    else diallers.set(name, createDialler(name, upstream, secure.options, now));
  }
  return problems.length > 0 ? { kind: 'bad', problems } : { kind: 'diallers', diallers };
}

/** Diallers that only connect, for what passes through with its own TLS. */
export function createTcpDiallers(rules: RuleSet, now: () => number): ReadonlyMap<string, Dial> {
  const diallers = new Map<string, Dial>();
  for (const name of passedThroughTo(rules)) {
    const upstream = rules.upstreams.get(name);
    if (upstream === undefined) throw new Error(`a pass-through to an unknown upstream passed the loader: ${name}`);
    const dial = createDialler(name, upstream, undefined, now);
    diallers.set(name, dial);
  }
  return diallers;
}

type Target = { server: Server; url: string; place: string; shunnedUntil: number; session?: Buffer };

/** `tls` undefined: TCP alone, whatever the URL of a server says. */
function createDialler(name: string, upstream: Upstream, tls: ConnectionOptions | undefined, now: () => number): Dial {
  const targets = upstream.servers.map((url): Target => {
    const server = parseServer(url);
    if (server === undefined) throw new Error(`a server that is no URL passed the loader: ${url}`);
    return { server, url, place: `${name} (${url})`, shunnedUntil: 0 };
  });

  return async (cancel, ends) => {
    // The order is the same for every client: both channels of a virtual connection, and one that replaces OUT hours
    // later, must meet at one server (MS-RPCH 3.2.4.5.6.1).
    const order = [...targets].sort((a, b) => Number(a.shunnedUntil > now()) - Number(b.shunnedUntil > now()));
    let last: Dialled = { kind: 'cancelled' };
    for (const target of order) {
      last = await dialOnce(target, upstream, tls, cancel, ends);
      if (last.kind === 'connected') target.shunnedUntil = 0;
      if (last.kind !== 'failed') return last;
      target.shunnedUntil = now() + SHUNNED;
    }
    return last;
  };
}

function dialOnce(
  target: Target,
  upstream: Upstream,
  tls: ConnectionOptions | undefined,
  cancel: AbortSignal,
  ends: Ends,
): Promise<Dialled> {
  const { server, url, place } = target;
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
          ...serverName(server, upstream),
          ...session(target),
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
      keepSessions(socket, target);
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

/**
 * Keeps the newest TLS session of a server. Node checks no name on a resumed connection, so a session counts only once its
 * own handshake was accepted.
 */
function keepSessions(socket: Socket, target: Target): void {
  let accepted = false;
  let early: Buffer | undefined;
  socket.on('session', (ticket: Buffer) => {
    if (accepted) target.session = ticket;
    else early = ticket;
  });
  socket.on('secureConnect', () => {
    accepted = true;
    if (early !== undefined) target.session = early;
  });
  socket.on('error', () => {
    if (!accepted) delete target.session;
  });
}

function session({ session }: Target): { session?: Buffer } {
  return session === undefined ? {} : { session };
}

/** RFC 6066 3: SNI carries names, never addresses. The certificate is checked against the same name, or the address. */
function serverName({ host }: Server, upstream: Upstream): { servername?: string } {
  const name = upstream.tls?.serverName ?? host;
  return isIP(name) === 0 ? { servername: name } : {};
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
