// Room: Extended Protection at the start. Exchange binds each login to the certificate the client saw (RFC 5929 4, tls-server-end-point); one
// look at the servers' certificates says whether logins can work, before anybody tries one.
import type { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { TLSSocket } from 'node:tls';
import { type Listener, listenerName, passedThroughTo, type RuleSet, type Upstream } from '@outrigger/rules';
import type { LogRecord } from './accesslog.ts';
import { pickKeyPair } from './certificates.ts';
import { type KeyPair, loadKeyPair, type PemReader, type ReadFile } from './pem.ts';
import { createDiallers } from './upstream.ts';

/** Closed; each has its line in the README. */
export type ExtendedProtectionCode =
  | 'EP_SAME_CERTIFICATE'
  | 'EP_OTHER_CERTIFICATE'
  | 'EP_OFFLOAD'
  | 'EP_PASS_THROUGH'
  | 'EP_UNKNOWN';

export type ExtendedProtectionOptions = {
  rules: RuleSet;
  report: (record: LogRecord) => void;
  /** Gives up looking. */
  cancel: AbortSignal;
  /** Default: the file system; `readFile` of the edge has what it serves. */
  readFile?: ReadFile;
  /** Milliseconds since 1970; default: the clock. */
  now?: () => number;
};

/** TLS listener and upstream of Exchange that a route joins; `hosts`: the names it is for, undefined where any may be. */
type Bridge = { listener: Listener; name: string; upstream: Upstream; hosts: string[] | undefined };

/**
 * Tells in a notice for each such pair which mode it is in and what that means for logins. Takes as long as the slowest server,
 * `timeouts.connect` at most; a server that does not answer keeps nobody from being served.
 */
export async function reportExtendedProtection(options: ExtendedProtectionOptions): Promise<void> {
  const { rules, report, cancel, readFile = readFileSync, now = Date.now } = options;
  // What is wrong with the files of the rules was told when they were loaded to be served.
  const reader: PemReader = { readFile, now: now(), warn() {} };
  const tell = (code: ExtendedProtectionCode, message: string, listener?: Listener): void => {
    if (cancel.aborted) return;
    const severity = code === 'EP_OTHER_CERTIFICATE' || code === 'EP_OFFLOAD' ? 'warning' : 'note';
    const where = listener === undefined ? {} : { listener: listenerName(listener) };
    report({ kind: 'notice', at: now(), severity, ...where, code, message });
  };

  for (const name of passedThroughTo(rules)) {
    tell(
      'EP_PASS_THROUGH',
      `${name}: pass-through. Exchange shows its own certificate, so logins with Extended Protection work.`,
    );
  }
  const bridges = bridgesOf(rules);
  const servers = new Map<string, { name: string; upstream: Upstream; url: string }>();
  for (const { name, upstream } of bridges) {
    for (const url of upstream.servers) servers.set(`${name} (${url})`, { name, upstream, url });
  }
  const looks = [...servers].map(async ([place, { name, upstream, url }]) => {
    const joined = bridges.filter((bridge) => bridge.name === name);
    if (!url.startsWith('https:')) {
      for (const { listener } of joined) tell('EP_OFFLOAD', `${place}: ${OFFLOAD}`, listener);
      return;
    }
    const seen = await look(rules, name, { ...upstream, servers: [url] }, joined[0]?.hosts?.[0] ?? '', reader, cancel);
    if (seen.kind === 'unknown') {
      tell('EP_UNKNOWN', `${place}: its certificate could not be compared with those of the listeners: ${seen.reason}`);
      return;
    }
    for (const bridge of joined) {
      const { code, message } = compare(bridge, seen.certificate, reader);
      tell(code, `${place}: ${message}`, bridge.listener);
    }
  });
  await Promise.all(looks);
}

const OFFLOAD =
  'offload. TLS ends here and plain HTTP goes on: logins work only while Extended Protection is off (Exchange 2019 CU14 and later ' +
  'switch it on). Write https:// and show the same certificate on both.';

/** Listeners without TLS bind nothing, and one that redirects sends no login on. */
function bridgesOf({ listen, routes, upstreams }: RuleSet): Bridge[] {
  const bridges: Bridge[] = [];
  for (const listener of listen.filter(({ tls }) => tls !== undefined)) {
    for (const [name, upstream] of upstreams) {
      const leading = routes.filter(({ to, when }) => to === name && mayHold(when?.listeners, listenerName(listener)));
      if (!upstream.rpcOverHttp || leading.length === 0) continue;
      const hosts = leading.map(({ when }) => exactHosts(when?.hosts));
      const known = hosts.every((names) => names !== undefined);
      bridges.push({
        listener,
        name,
        upstream,
        hosts: known ? [...new Set(hosts.flatMap((names) => names ?? []))] : undefined,
      });
    }
  }
  return bridges;
}

function mayHold(listeners: readonly string[] | undefined, name: string): boolean {
  if (listeners === undefined) return true;
  const wanted = listeners.filter((entry) => !entry.startsWith('!'));
  return !listeners.includes(`!${name}`) && (wanted.length === 0 || wanted.includes(name));
}

/** The names of a condition where they are all written out. */
function exactHosts(hosts: readonly string[] | undefined): string[] | undefined {
  const wanted = hosts?.filter((entry) => !entry.startsWith('!')) ?? [];
  return wanted.length === 0 || wanted.some((entry) => /^\.|\*/.test(entry)) ? undefined : wanted;
}

type Seen = { kind: 'seen'; certificate: X509Certificate } | { kind: 'unknown'; reason: string };

/** Connects as for a client that asks for `host`, and leaves. For the PROXY protocol the connection is our own. */
async function look(
  rules: RuleSet,
  name: string,
  upstream: Upstream,
  host: string,
  reader: PemReader,
  cancel: AbortSignal,
): Promise<Seen> {
  const dialling = createDiallers({ ...rules, upstreams: new Map([[name, upstream]]) }, reader, Date.now, () => {});
  const dialler = dialling.kind === 'diallers' ? dialling.diallers.get(name) : undefined;
  if (dialler === undefined) return { kind: 'unknown', reason: 'its TLS files cannot be used.' };
  const self = { address: '127.0.0.1', port: 0 };
  const dialled = await dialler.dial({ host, ends: { source: self, destination: self } }, cancel);
  if (dialled.kind === 'failed') return { kind: 'unknown', reason: dialled.failure.message };
  if (dialled.kind === 'cancelled') return { kind: 'unknown', reason: 'the proxy was stopped.' };
  const { socket } = dialled;
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  socket.on('error', () => {}); // of a connection that has served
  socket.destroy();
  return certificate === undefined ? { kind: 'unknown', reason: 'it showed none.' } : { kind: 'seen', certificate };
}

function compare(
  { listener, hosts }: Bridge,
  theirs: X509Certificate,
  reader: PemReader,
): { code: ExtendedProtectionCode; message: string } {
  const loaded = (listener.tls?.certificates ?? []).map((files) => loadKeyPair(files, reader));
  const pairs = loaded.flatMap((result) => (result.kind === 'pair' ? [result.pair] : []));
  const [first] = pairs;
  if (first === undefined) return { code: 'EP_UNKNOWN', message: 'the listener’s own certificates cannot be read.' };
  const isSame = ({ certificate }: KeyPair): boolean => certificate.fingerprint256 === theirs.fingerprint256;
  // Where a route does not name its hosts, clients are taken to ask for one the right certificate is chosen by.
  const pick = pickKeyPair(pairs);
  const different =
    hosts === undefined
      ? pairs.some(isSame)
        ? []
        : ['every name']
      : hosts.filter((host) => !isSame(pick(host) ?? first));
  if (different.length === 0) {
    const message = 'bridge, the same certificate on both sides. Logins with Extended Protection work.';
    return { code: 'EP_SAME_CERTIFICATE', message };
  }
  const shown = hosts === undefined ? first : (pick(different[0] ?? '') ?? first);
  const message =
    `bridge, another certificate than clients see for ${different.join(', ')} (here ${short(shown.certificate)}, there ${short(theirs)}). ` +
    'Logins with Extended Protection fail. Put the certificate and key of Exchange on the listener, or the listener’s on Exchange, or pass through.';
  return { code: 'EP_OTHER_CERTIFICATE', message };
}

/** Enough of a SHA-256 to tell two certificates apart by eye. */
function short({ fingerprint256 }: X509Certificate): string {
  return `SHA-256 ${fingerprint256.slice(0, 23)}…`;
}
