// Room: where on loopback Apache goes on listening, and what its lines on TLS come to where it speaks plain HTTP there. Pure.
import { remark } from '../ledger.ts';
import type { Listen } from './servers.ts';
import { everyNode } from './settings.ts';
import type { ConfigNode, ConfigTree } from './tree.ts';

/**
 * `host`: a loopback address, [IPv6] in brackets. `port` absent: one that no Listen line has. `isPlain`: HTTP without TLS. `hearsProxy`: it
 * learns the address of clients from the PROXY protocol, not from a field.
 */
export type ApachePlace = { host: string; port?: number; isPlain: boolean; hearsProxy?: boolean };

/** With TLS, for then nothing inside Apache changes. */
export const DEFAULT_PLACE: ApachePlace = { host: '127.0.0.1', isPlain: false };

/** Ports tried first: what people choose for a second port of each kind. */
const FIRST_PORT = { tls: 8443, plain: 8080 } as const;
/** Between two ports tried. */
const PORT_STEP = 1000;
const PORT_MAX = 65_535;

/**
 * A place as a person writes it: ADDRESS:PORT, or either alone; undefined where it is none. Loopback only: elsewhere clients could
 * reach Apache beside Outrigger, and Apache would have to believe others about who they are.
 */
export function parsePlace(text: string): { host: string; port?: number } | undefined {
  const [, address, digits] =
    /^(?:(127(?:\.\d{1,3}){3}|\[::1\]|localhost)(?::(\d{1,5}))?)$/i.exec(text) ?? /^()(\d{1,5})$/.exec(text) ?? [];
  if (address === undefined) return undefined;
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port < 1 || port > PORT_MAX)) return undefined;
  const host = /^(?:localhost)?$/i.test(address) ? DEFAULT_PLACE.host : address;
  return { host, ...(port !== undefined && { port }) };
}

/** The server of each listener in turn: the port asked for, then each PORT_STEP further; none on which Apache listens already. */
export function serversOn(place: ApachePlace, listens: readonly Listen[]): () => string {
  const taken = new Set(listens.map(({ port }) => port));
  const scheme = place.isPlain ? 'http' : 'https';
  let asked = place.port;
  return () => {
    const port = asked ?? freePort(place.port ?? FIRST_PORT[place.isPlain ? 'plain' : 'tls'], taken);
    asked = undefined;
    taken.add(port);
    return `${scheme}://${place.host}:${port}`;
  };
}

function freePort(first: number, taken: ReadonlySet<number>): number {
  for (let port = first; port <= PORT_MAX; port += PORT_STEP) if (!taken.has(port)) return port;
  return first;
}

/** Says so where the port that was asked for is one that a Listen line has already, on every address or on that of loopback. */
export function remarkTaken({ host, port }: ApachePlace, listens: readonly Listen[]): void {
  const taken = listens.find((each) => each.port === port && (each.host.kind === 'any' || each.written === host));
  if (port === undefined || taken === undefined) return;
  const message = `it has port ${port} already, which Apache cannot have a second time on ${host}`;
  remark(taken.directive.entry, 'untranslated', 'APACHE_PLACE_TAKEN', message, {
    hint: 'Choose another port for --apache-address.',
  });
}

/** What in Apache changes with its place, as the end of a sentence about a Listen line; the cut-over makes it a diff. */
export function placeSentence(server: string): string {
  const listen = `Listen ${server.replace(/^https?:\/\//, '')}`;
  return server.startsWith('https:')
    ? `Apache keeps its sites there with ${listen} https, with TLS as before`
    : `Apache keeps its sites there with ${listen} http, and SSLEngine off in their virtual hosts`;
}

const ASKS_TLS = /%\{(?:HTTPS|REQUEST_SCHEME|SERVER_PORT|SSL_\w+|SSL:[^}]*)\}/i;

/** Lines that ask whether a request came over TLS: on plain HTTP they get another answer, and may send clients round in a circle. */
export function remarkPlain(tree: ConfigTree): void {
  for (const node of everyNode(tree.nodes)) {
    if (!asksTls(node)) continue;
    const message =
      'behind Outrigger requests reach Apache over plain HTTP, and this asks for TLS: it would never be content';
    remark(node.entry, 'approximated', 'APACHE_PLAIN', message, {
      hint: 'Ask for %{HTTP:X-Forwarded-Proto} instead, or leave TLS on loopback (without --apache-plain).',
    });
  }
}

/** Whether a line asks how a request came: over TLS or not. */
export function asksTls({ key, rest, kind }: ConfigNode): boolean {
  if (kind === 'section') return key === 'if' && ASKS_TLS.test(rest);
  return (
    /^sslrequire(?:ssl)?$/.test(key) || (!/^(?:logformat|customlog|errorlogformat)$/.test(key) && ASKS_TLS.test(rest))
  );
}
