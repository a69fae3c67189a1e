// Room: from a request head to what rules look at. One reading of Host and request target for the proxy and for `explain`.
import { canonicalHost } from './hostname.ts';
import type { LocalTime } from './localtime.ts';
import type { Listener } from './schema.ts';

/** Field lines in the order they came: name and value as spelled, latin1, the value without the blanks around it. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** Everything a rule may look at. All text is latin1: one character is one byte from the wire. */
export type RequestFacts = {
  method: string;
  scheme: 'http' | 'https';
  /** Lower case, no port, no trailing dot; empty where the request names none and the listener has no default. */
  host: string;
  /** Port of the URL: of the Host, else the scheme's default. Never the listener's (SQ-62). */
  port: number;
  /** Path and query as sent, or `*`. */
  target: string;
  /** What Host should say further on: as the client spelled it, unless an absolute-form target named another. */
  authority: string;
  /** Address of the client: who connects, or whom a trusted proxy names. */
  client: string;
  /** Address that connects, whoever the client is; behind the PROXY protocol the one in its header. */
  connectsFrom: string;
  /** Connections that the client has open with this process. */
  connections: number;
  /** Name of the listener, or its address where unnamed. */
  listener: string;
  /** When its head came. */
  time: LocalTime;
  fields: Fields;
};

export type FactsCode = 'HOST_MISSING' | 'HOST_REPEATED' | 'HOST_MALFORMED' | 'TARGET_MALFORMED';
export type FactsResult =
  | { kind: 'facts'; facts: RequestFacts }
  | { kind: 'bad'; status: 400; code: FactsCode; message: string };

/** What facts need of a head; the proxy's RequestHead is one. */
export type FactsHead = { method: string; target: string; version: '1.0' | '1.1'; fields: Fields };

const DEFAULT_PORT = { http: 80, https: 443 } as const;

/**
 * RFC 3986 3.2.2: IP literal or reg-name; underscores are legal. No userinfo, no empty host. Departures: no sub-delims and no `~`,
 * with which Squid takes a Host for none and Apache answers 400; no
 * percent-encoding, which no name in DNS needs: the URL is decoded before rules see it, and `a%2Fb` would move the path.
 */
const AUTHORITY = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{0,5}))?$/;
const ABSOLUTE_FORM = /^(https?):\/\/([^/?#]*)(.*)$/is;

/** What a `listeners` condition calls a listener. */
export function listenerName(listener: Pick<Listener, 'name' | 'address'>): string {
  return listener.name ?? listener.address;
}

/**
 * The connection a head came on. `connectsFrom`: where it is not the client, because a trusted proxy named one. `connections`: one
 * where nothing counts them.
 */
export type FactsConnection = {
  listener: Listener;
  client: string;
  connectsFrom?: string;
  connections?: number;
  time: LocalTime;
};

/**
 * Reads Host and target as RFC 9112 3.2 wants: one Host, required in HTTP/1.1; an absolute-form target overrides it
 * (3.2.2). A request of HTTP/1.0 without Host gets the listener's `defaultHost`, as Squid's defaultsite does (SQ-102).
 */
export function requestFacts(head: FactsHead, connection: FactsConnection): FactsResult {
  const hostLines = head.fields.filter(([name]) => name.length === 4 && name.toLowerCase() === 'host');
  if (hostLines.length > 1) return bad('HOST_REPEATED', 'the request has more than one Host field');
  const given = hostLines[0]?.[1];
  if (given === undefined && head.version === '1.1') {
    return bad('HOST_MISSING', 'an HTTP/1.1 request must have a Host field');
  }

  const absolute = head.target.startsWith('/') ? null : ABSOLUTE_FORM.exec(head.target);
  const listenerScheme = connection.listener.tls === undefined ? 'http' : 'https';
  const scheme = absolute === null ? listenerScheme : (absolute[1]?.toLowerCase() as 'http' | 'https');
  // An empty Host is legal where a target has no authority (RFC 9110 7.2); it names nobody, like a missing one.
  const authority =
    absolute?.[2] ?? (given !== undefined && given !== '' ? given : (connection.listener.defaultHost ?? ''));
  const target = absolute === null ? head.target : originForm(absolute[3] ?? '');
  if (!isTarget(target, head.method)) {
    return bad('TARGET_MALFORMED', 'the request target is neither a path, an http(s) URL, nor * for OPTIONS');
  }

  const place = authority === '' && absolute === null ? { host: '', port: '' } : splitAuthority(authority);
  // One the target overrides must be sound all the same.
  const overridden = given === undefined || given === '' || given === authority ? undefined : given;
  if (place === undefined || (overridden !== undefined && splitAuthority(overridden) === undefined))
    return bad('HOST_MALFORMED', 'the host is not a name, an address or [IPv6], with at most a port');
  return {
    kind: 'facts',
    facts: {
      method: head.method,
      scheme,
      host: place.host,
      port: place.port === '' ? DEFAULT_PORT[scheme] : Number(place.port),
      target,
      authority,
      client: connection.client,
      connectsFrom: connection.connectsFrom ?? connection.client,
      connections: connection.connections ?? 1,
      listener: listenerName(connection.listener),
      time: connection.time,
      fields: head.fields,
    },
  };
}

/** True for what may stand in a Host field, and is not empty. */
export function isAuthority(text: string): boolean {
  return splitAuthority(text) !== undefined;
}

/** `scheme://host[:port]target`: the port only where it is not the scheme's default (import-semantics 1.3). */
export function urlOf(facts: RequestFacts): string {
  const port = facts.port === DEFAULT_PORT[facts.scheme] ? '' : `:${facts.port}`;
  return `${facts.scheme}://${facts.host}${port}${facts.target}`;
}

/** Host in lower case without its trailing dot, and the port's digits; undefined where `authority` is neither. */
function splitAuthority(authority: string): { host: string; port: string } | undefined {
  const match = AUTHORITY.exec(authority);
  if (match === null) return undefined;
  const host = canonicalHost(match[1] ?? '');
  const port = match[2] ?? '';
  return /^\.*$/.test(host) || Number(port) > 65_535 || (port !== '' && Number(port) === 0)
    ? undefined
    : { host, port };
}

/** `http://host` means `/`, and `http://host?x` means `/?x` (RFC 9112 3.2.1). */
function originForm(afterAuthority: string): string {
  return afterAuthority.startsWith('/') ? afterAuthority : `/${afterAuthority}`;
}

function isTarget(target: string, method: string): boolean {
  return target.startsWith('/') || (target === '*' && method === 'OPTIONS');
}

function bad(code: FactsCode, message: string): FactsResult {
  return { kind: 'bad', status: 400, code, message };
}
