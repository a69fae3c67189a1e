// Room: what Outrigger does otherwise than Apache on purpose, whatever the file says. Announced, so that nobody finds out; each says by
// what it shows itself, so that `verify` can tell it from a fault, and from this table alone.
import {
  normalizedPath,
  parseAddress,
  pathAmbiguity,
  type RuleSet,
  TUNNEL_METHODS,
  type Upstream,
} from '@outrigger/rules';
import type { Sign } from '../squid/differences.ts';
import {
  isAdded,
  isBelow,
  isSameBelowFirst,
  isSamePath,
  isSameUrl,
  isSameUrlElsewhere,
  partsOf,
  prefixesOf,
  withHostOfUrl,
} from './spellings.ts';

/**
 * `on`: of which requests it is said: those of paths that moved to Exchange, or that did not, those that several servers share, those whose path is one
 * that moved or was added, but not as a line of Apache has it, those whose target is a whole URL, or all.
 *
 * None may excuse that a request reached another server than Apache's, or any where Apache let it reach none. What Outrigger takes
 * that Apache did not is `respelled`: Apache itself must let it through to that server under the spelling of its own line.
 */
export type ApacheDifference = {
  code: ApacheDifferenceCode;
  text: string;
  on: 'all' | 'moved' | 'stayed' | 'shared' | 'added' | 'otherwiseSpelled' | 'wholeUrl';
  signs: readonly ApacheSign[];
};

/** Signs that cannot excuse another way of a request. */
export type ApacheSign = Exclude<Sign, { kind: 'shared' | 'route' | 'reading' | 'reply' }>;

/** Closed; each has its line in the README. */
export type ApacheDifferenceCode =
  | 'DIFFERS_PATH_SPELLING'
  | 'DIFFERS_ANSWER'
  | 'DIFFERS_ADDED'
  | 'DIFFERS_METHOD_REFUSED'
  | 'DIFFERS_PATH_REFUSED'
  | 'DIFFERS_HOST_REFUSED'
  | 'DIFFERS_FORWARDED'
  | 'DIFFERS_EXPECT'
  | 'DIFFERS_UNREACHABLE'
  | 'DIFFERS_VERSION'
  | 'DIFFERS_CONNECT'
  | 'DIFFERS_METHOD_UNKNOWN'
  | 'DIFFERS_WHOLE_URL'
  | 'DIFFERS_FRONT_END_HTTPS';

/** The same path as the line of Apache writes it. */
const AS_WRITTEN: ApacheSign = {
  kind: 'respelled',
  as: ({ written }) => (written === undefined ? undefined : { target: written }),
};

const TUNNELLED: ReadonlySet<string> = new Set(TUNNEL_METHODS);

/** Fields in which ProxyPassReverse changes URLs. */
export const MAPPED_URLS: readonly string[] = ['location', 'content-location', 'uri'];

/** Every announced difference, in the order in which a report tells them. */
export const APACHE_DIFFERENCES: readonly ApacheDifference[] = [
  {
    code: 'DIFFERS_PATH_SPELLING',
    text: 'Paths of Exchange are taken in any case and in any spelling that comes to them (//owa, /%6fwa, /owa;x), as IIS reads them; Apache took one case.',
    on: 'otherwiseSpelled',
    signs: [AS_WRITTEN],
  },
  {
    code: 'DIFFERS_PATH_SPELLING',
    text: 'Paths that moved go on as the client spelled them; Apache decoded them and wrote them anew, some of them in the case of its own line.',
    on: 'moved',
    signs: [{ kind: 'target', alike: isSamePath }],
  },
  {
    code: 'DIFFERS_PATH_SPELLING',
    text: 'Methods of RPC over HTTP and RD Gateway go on under the path that the client sent, where Apache mapped it to another.',
    on: 'moved',
    signs: [{ kind: 'target', alike: () => true, of: ({ method }) => TUNNELLED.has(method) }],
  },
  {
    code: 'DIFFERS_ANSWER',
    text: 'Where ProxyPassReverse maps an answer back, it names the host as the client did, with its port and a dot at its end; Apache left out the port of https and the dot.',
    on: 'moved',
    signs: [{ kind: 'answer', names: MAPPED_URLS, alike: isSameUrl }],
  },
  {
    code: 'DIFFERS_ANSWER',
    text: 'Where a cookie brings clients back to their server, it is one of Outrigger, beside those of the server.',
    on: 'moved',
    signs: [{ kind: 'answer', names: ['set-cookie'], alike: isWithAffinity }],
  },
  {
    code: 'DIFFERS_ANSWER',
    text: 'Answers to methods of RPC over HTTP and RD Gateway go back as the server gave them; Apache mapped Location and cookies in them, too.',
    on: 'moved',
    signs: [{ kind: 'answer', names: [...MAPPED_URLS, 'set-cookie'], of: ({ method }) => TUNNELLED.has(method) }],
  },
  {
    code: 'DIFFERS_ADDED',
    text: 'Where a route for /rpc was added, its requests go to Exchange; Apache could not carry them.',
    on: 'added',
    signs: [AS_WRITTEN, { kind: 'target', alike: isSameBelowFirst }],
  },
  {
    code: 'DIFFERS_METHOD_REFUSED',
    text: 'Methods of RPC over HTTP and RD Gateway are answered 405 where no Exchange is behind; Apache passed them on and waited for the whole body.',
    on: 'all',
    signs: [{ kind: 'refusal', codes: ['METHOD_NOT_TUNNELLED'] }],
  },
  {
    code: 'DIFFERS_PATH_REFUSED',
    text: 'Paths that read in two ways, such as /owa%00 or /owa%2F.., are answered 400 where they would go to Exchange.',
    on: 'all',
    signs: [
      { kind: 'refusal', codes: ['PATH_AMBIGUOUS'] },
      // Apache says 404 of them before it asks who may have them.
      {
        kind: 'refusal',
        codes: ['DENIED'],
        squid: 'denies',
        of: ({ target }) => pathAmbiguity(target) !== undefined,
      },
    ],
  },
  {
    code: 'DIFFERS_HOST_REFUSED',
    text: 'A request of HTTP/1.1 without Host, one with two, or with one that is no name and no address, is answered 400, and so is a whole URL with such a host (RFC 9112 3.2); one that ends in a colon, without a port, is taken for the name, where Apache answered 400.',
    on: 'all',
    signs: [
      { kind: 'refusal', codes: ['HOST_MISSING', 'HOST_REPEATED', 'HOST_MALFORMED', 'TARGET', 'TARGET_MALFORMED'] },
      { kind: 'respelled', as: ({ host }) => (host?.endsWith(':') ? { host: host.slice(0, -1) } : undefined) },
      { kind: 'field', names: ['host', 'x-forwarded-host'], alike: (theirs, ours) => ours === `${theirs}:` },
    ],
  },
  {
    code: 'DIFFERS_FORWARDED',
    text: 'X-Forwarded-Proto is sent too, and says https whatever a client claims in it.',
    on: 'all',
    signs: [{ kind: 'field', names: ['x-forwarded-proto'], alike: (_theirs, ours) => ours === 'https' }],
  },
  {
    code: 'DIFFERS_FORWARDED',
    text: 'On paths that moved X-Forwarded-Server is not sent, and what clients claim in X-Forwarded-For and X-Forwarded-Host goes no further.',
    on: 'moved',
    signs: [
      { kind: 'field', names: ['x-forwarded-server'], alike: (theirs, ours) => theirs !== '' && ours === '' },
      { kind: 'field', names: ['x-forwarded-for', 'x-forwarded-host'], alike: isWithoutClaims },
    ],
  },
  {
    code: 'DIFFERS_FORWARDED',
    text: 'On paths that stay X-Forwarded-Host names the host twice, and once where Apache says nothing of it; what clients claim there and in X-Forwarded-For goes no further.',
    on: 'stayed',
    signs: [
      { kind: 'field', names: ['x-forwarded-host'], alike: isNamedTwice },
      { kind: 'field', names: ['x-forwarded-for'], alike: isWithoutClaims },
    ],
  },
  {
    code: 'DIFFERS_EXPECT',
    text: 'On paths that moved, Expect: 100-continue and Upgrade (WebSocket) go on to the server; Apache answered or waited for the one, and kept the other unless upgrade= said so.',
    on: 'moved',
    signs: [{ kind: 'field', names: ['expect', 'upgrade'] }],
  },
  {
    code: 'DIFFERS_UNREACHABLE',
    text: 'A server that cannot be reached is answered with 502 on paths that moved, in place of 503.',
    on: 'moved',
    signs: [{ kind: 'unseen' }],
  },
  {
    code: 'DIFFERS_VERSION',
    text: 'On paths that moved a request of HTTP/1.0 goes on as HTTP/1.0; Apache made HTTP/1.1 of it.',
    on: 'moved',
    signs: [{ kind: 'version', alike: (theirs, ours) => theirs === '1.1' && ours === '1.0' }],
  },
  {
    code: 'DIFFERS_CONNECT',
    text: 'CONNECT is answered 405, whatever it asks for; Apache answered 400.',
    on: 'all',
    signs: [{ kind: 'refusal', codes: ['CONNECT'] }],
  },
  {
    code: 'DIFFERS_METHOD_UNKNOWN',
    text: 'Methods that nobody has registered are answered 501 on paths whose answers are changed on the way; Apache sent them on.',
    on: 'moved',
    signs: [{ kind: 'refusal', codes: ['REWRITE_METHOD'] }],
  },
  {
    code: 'DIFFERS_WHOLE_URL',
    text: 'Where the target is a whole URL, its host goes on as Host (RFC 9112 3.2.2); Apache sent on what the field said, and asked that in conditions. Answers are mapped back to that URL, with its scheme.',
    on: 'wholeUrl',
    signs: [
      { kind: 'respelled', as: withHostOfUrl },
      { kind: 'answer', names: MAPPED_URLS, alike: isSameUrlElsewhere },
    ],
  },
  {
    code: 'DIFFERS_FRONT_END_HTTPS',
    text: 'Where a line sets Front-End-Https for one path of an Exchange, it is set for every path that goes there.',
    on: 'moved',
    signs: [{ kind: 'field', names: ['front-end-https'], alike: (theirs, ours) => theirs === '' && ours === 'On' }],
  },
  {
    code: 'DIFFERS_FORWARDED',
    text: 'Several servers of a balancer are told the Host of the request; Apache told each its own name, unless ProxyPreserveHost said otherwise.',
    on: 'shared',
    signs: [{ kind: 'field', names: ['host'], alike: (theirs) => theirs !== '' }],
  },
];

/** Of a list of proxies the last: what Apache itself wrote behind what the client claimed. An address may be spelled in two ways. */
function isWithoutClaims(theirs: string, ours: string): boolean {
  const own = theirs.split(', ').at(-1) ?? '';
  const [one, two] = [own, ours].map(parseAddress);
  return ours !== '' && (own === ours || (one !== undefined && one === two));
}

/** As Outrigger writes it by default. */
const AFFINITY_COOKIE = /^(?:, )?outrigger=[\w-]+; Path=\/; HttpOnly; SameSite=Lax; Secure$/;

/** The same cookies, and behind them the one by which Outrigger knows the server of a client. */
function isWithAffinity(theirs: string, ours: string): boolean {
  const added = ours.startsWith(theirs) ? ours.slice(theirs.length) : '';
  return AFFINITY_COOKIE.test(added);
}

/** The Host from Outrigger, and once more from Apache behind it, where it writes the field. */
function isNamedTwice(theirs: string, ours: string): boolean {
  const own = theirs.split(', ').at(-1) ?? '';
  return own === '' ? ours !== '' && !ours.includes(', ') : ours === `${own}, ${own}`;
}

/** Whether a request that a rule takes is one of `on`, by the route that takes it. */
export function isConcerned(
  on: ApacheDifference['on'],
  request: { target: string },
  route: RuleSet['routes'][number] | undefined,
  upstream: Upstream | undefined,
): boolean {
  if (on === 'all') return true;
  if (on === 'wholeUrl') return /^https?:\/\//i.test(request.target);
  const isMoved = route !== undefined && upstream?.rpcOverHttp === true;
  if (on === 'stayed') return !isMoved;
  if (!isMoved) return false;
  if (on === 'moved') return true;
  if (on === 'shared') return upstream.servers.length > 1 && upstream.host === undefined;
  if (on === 'added') return isAdded(route);
  const path = normalizedPath(partsOf(request.target)[1]);
  return !isAdded(route) && prefixesOf(route).length > 0 && !prefixesOf(route).some((prefix) => isBelow(path, prefix));
}
