// Room: the request head as it goes to a server. What a proxy owns is changed, everything else is copied as it came: bytes,
// spelling, order. Of a response head nothing is changed: its `raw` passes, at most with a line of ours at its end.
//
// Two duties of RFC 9110 we do not take on, as the sidecar is a part of the server it stands before, not a hop of its own:
//   Via (7.6.3)           IIS and nginx stop compressing, and some applications caching, for a request that has one
//   Max-Forwards (7.6.2)  TRACE and OPTIONS reach the server with the number the client gave
import type { Fields, Upstream } from '@outrigger/rules';
import { fieldValues, hasToken, listMembers, splitList } from './fields.ts';
import { TOKEN } from './grammar.ts';
import type { RequestHead } from './head.ts';

/** What the proxy knows of a request and its upstream. Texts are latin1 and come from a checked head or the rules. */
export type Forwarding = {
  /** Request target in origin-form, or `*`. Written only where the client sent absolute-form. */
  target: string;
  /** HOST[:PORT] the client asked for; empty where it named none and no default is set. */
  authority: string;
  /** Of the client's connection, not of a target in absolute-form: that is the client's claim, and X-Forwarded-Proto is ours. */
  scheme: 'http' | 'https';
  /** Address of the peer, without port. */
  client: string;
  /** Further fields of the proxy's own: what is told of a client's certificate. */
  certificate?: Fields;
  /** What a trusted proxy in front says of the client; absent where nobody is believed. */
  vouched?: Vouched;
  /** A request of MS-RPCH or MS-TSGU: its Connection, Expect, Pragma, Upgrade and version stay as they came. */
  protocolTunnel: boolean;
  /** Tell Exchange that the client's side is TLS. */
  frontEndHttps: boolean;
  /** What is said of the client's address; `replace` where absent. */
  forwardedFor?: ForwardedFor;
  /** Host the upstream is configured to get instead of the client's; not the `host` of the facts, which has lost its port. */
  host?: string;
};

/**
 * `replace` its address, behind what a trusted proxy vouches for · `remove` nothing · `unknown` that word · `pass` whatever the
 * client itself claims.
 */
export type ForwardedFor = NonNullable<Upstream['forwardedFor']>;

/** Claims that pass on: checked values, to be written as they are. What is absent is told of our own connection. */
export type Vouched = { forwardedFor: readonly string[]; proto?: 'http' | 'https'; host?: string };

/**
 * Claims about the client's side. A server that believes ours believes a client's just as well, so none of these passes,
 * in no spelling: CGI and PHP read `X_Forwarded.For` as X-Forwarded-For, hence any byte that is no letter or digit counts
 * as `-` here. The whole X-Forwarded family goes (Port, Ssl, User, …), and with it Forwarded (RFC 7239) and X-Real-IP: a
 * server may trust one of them for the address it sees us at, and we set none of them. So does the X-Client-Cert family, asked for or not.
 */
const CLAIM =
  /^(?:x[^a-z0-9]forwarded[^a-z0-9]|x[^a-z0-9]real[^a-z0-9]ip$|forwarded$|front[^a-z0-9]end[^a-z0-9]https$|x[^a-z0-9]client[^a-z0-9]cert(?:$|[^a-z0-9]))/;

/**
 * Fields for this hop alone, dropped (RFC 9110 7.6.1). Trailer stays: it announces what a chunked body does carry through us.
 *   keep-alive            limits of the client's connection, not of ours
 *   proxy-connection      never a field, but some clients send it to proxies
 *   te                    trailers pass anyway; any other transfer coding would come back as one we refuse
 *   http2-settings        half of an upgrade to h2c, which would put requests where no rule sees them
 *   proxy-authorization   a password for a forward proxy, which we are not (RFC 9110 11.7.2; Squid drops it, SQ-172)
 *   proxy-authenticate    how such a proxy asks for it, in answers; Squid drops it from requests, too
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'keep-alive',
  'proxy-connection',
  'te',
  'http2-settings',
  'proxy-authorization',
  'proxy-authenticate',
]);

/** Fields that decide framing and routing: no Connection option strips them, neither here nor one hop later. */
const NEVER_STRIPPED: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding']);

/** Connection options that pass in an ordinary request. */
const PASSED_OPTIONS: ReadonlySet<string> = new Set(['close', 'keep-alive', 'upgrade']);

/** What becomes of a field line: it stays as it came, goes, or gets another value. */
type Fate = 'keep' | 'drop' | { value: string };

/**
 * The head to write to a server: slices of `head.text` and the fields a proxy owns, which come last. Put together as latin1,
 * a character for each byte, since slices of text are cheaper than those of a Buffer.
 */
export function forwardedRequestHead(head: RequestHead, forwarding: Forwarding): Buffer {
  const { text, fields } = head;
  const fateOf = fates(head, forwarding);
  let at = text.indexOf('\n') + 1;
  let kept = 0;
  let forwarded = '';

  if (isAbsoluteForm(head)) {
    forwarded = `${head.method} ${forwarding.target} HTTP/${head.version}\r\n`;
    kept = at;
  }
  const missing = missingHost(fields, forwarding);
  if (missing !== '') {
    forwarded += `${text.slice(kept, at)}Host: ${missing}\r\n`;
    kept = at;
  }
  // A field is a line, since folded lines are refused: the lines of `raw` and the fields go in step.
  for (const [name, value] of fields) {
    const end = text.indexOf('\n', at) + 1;
    const fate = fateOf(name, value);
    if (fate !== 'keep') {
      forwarded += text.slice(kept, at);
      if (fate !== 'drop') forwarded += `${name}: ${fate.value}\r\n`;
      kept = end;
    }
    at = end;
  }
  return Buffer.from(`${forwarded}${text.slice(kept, at)}${ownFields(forwarding)}\r\n`, 'latin1');
}

/** RFC 9112 3.2.2: whatever is no path and not `*`. The head reader lets nothing else in. */
function isAbsoluteForm(head: RequestHead): boolean {
  return !head.target.startsWith('/') && head.target !== '*';
}

function ownFields(forwarding: Forwarding): string {
  const { scheme, authority, frontEndHttps, vouched, certificate = [] } = forwarding;
  const asked = vouched?.host ?? authority;
  const host = asked === '' ? '' : `X-Forwarded-Host: ${asked}\r\n`;
  const exchange = frontEndHttps ? 'Front-End-Https: On\r\n' : '';
  const shown = certificate.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `${forwardedForLine(forwarding)}X-Forwarded-Proto: ${vouched?.proto ?? scheme}\r\n${host}${exchange}${shown}`;
}

function forwardedForLine({ client, vouched, forwardedFor = 'replace' }: Forwarding): string {
  if (forwardedFor === 'replace')
    return `X-Forwarded-For: ${[...(vouched?.forwardedFor ?? []), client].join(', ')}\r\n`;
  return forwardedFor === 'unknown' ? 'X-Forwarded-For: unknown\r\n' : '';
}

/** RFC 9110 7.2: a request without Host (HTTP/1.0) gets the one it was routed by, as the first field. */
function missingHost(fields: Fields, { host, authority }: Forwarding): string {
  return fieldValues(fields, 'Host').length === 0 ? (host ?? authority) : '';
}

/** The fate of each field of this head, asked in their order. */
function fates(head: RequestHead, forwarding: Forwarding): (name: string, value: string) => Fate {
  const { protocolTunnel } = forwarding;
  const options = new Set(listMembers(head.fields, 'Connection').map(lowerCase));
  // RFC 9110 7.8: Upgrade counts only with its Connection option, and never in HTTP/1.0.
  const upgrades =
    protocolTunnel ||
    (head.version === '1.1' && options.has('upgrade') && hasToken(head.fields, 'Upgrade', 'websocket'));
  // RFC 9112 3.2.2: the authority of an absolute-form target replaces the Host the client sent beside it.
  const newHost = forwarding.host ?? (isAbsoluteForm(head) ? forwarding.authority : undefined);
  let hostSeen = false;

  const passesOption = (option: string): boolean => {
    // What is no token may be one to a server that splits at blanks as well.
    if (protocolTunnel) return TOKEN.test(option) && !NEVER_STRIPPED.has(option) && !CLAIM.test(option);
    return PASSED_OPTIONS.has(option) && (option !== 'upgrade' || upgrades);
  };

  return (name, value) => {
    const lower = lowerCase(name);
    if (lower === 'host') {
      if (hostSeen) return 'drop';
      hostSeen = true;
      // An empty Host names nobody; the request was routed by the listener's default.
      const host = newHost ?? (value === '' ? forwarding.authority : value);
      return host === value ? 'keep' : { value: host };
    }
    if (lower === 'connection') return only(value, passesOption);
    if (lower === 'upgrade') return upgrades ? only(value, (protocol) => protocol === 'websocket') : 'drop';
    if (lower === 'x-forwarded-for' && forwarding.forwardedFor === 'pass') return 'keep';
    if (CLAIM.test(lower) || HOP_BY_HOP.has(lower)) return 'drop';
    // RFC 9110 7.6.1: a field named by a Connection option goes with the option. A tunnel's options pass, so its fields do.
    return !protocolTunnel && options.has(lower) && !NEVER_STRIPPED.has(lower) ? 'drop' : 'keep';
  };
}

/** Keeps a list whose members all pass as it came; else writes those that pass; an empty list goes. */
function only(value: string, passes: (member: string) => boolean): Fate {
  const members = splitList(value);
  const passed = members.filter((member) => passes(lowerCase(member)));
  if (passed.length === members.length) return 'keep';
  return passed.length === 0 ? 'drop' : { value: passed.join(', ') };
}

function lowerCase(text: string): string {
  return text.toLowerCase();
}

/** The bytes of a head with one more field line (which ends in CRLF) before the empty line. */
export function withFieldLine(head: Buffer, line: Buffer): Buffer {
  const end = head.length - '\r\n'.length;
  return Buffer.concat([head.subarray(0, end), line, head.subarray(end)]);
}
