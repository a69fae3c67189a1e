// Room: what Outrigger does otherwise than Apache on purpose, whatever the file says. Announced, so that nobody finds out; each says by
// what it shows itself, so that `verify` can tell it from a fault, and from this table alone.
import { normalizedPath, type RuleSet, type Upstream } from '@outrigger/rules';
import type { Sign } from '../squid/differences.ts';

/**
 * `on`: of which requests it is said: those of paths that moved to Exchange, those of a rule that no line of the file says, those whose
 * path is one that moved, but not letter for letter as Apache compares it, those whose target is a whole URL, or all.
 */
export type ApacheDifference = {
  code: ApacheDifferenceCode;
  text: string;
  on: 'all' | 'moved' | 'added' | 'otherwiseSpelled' | 'wholeUrl';
  signs: readonly Sign[];
};

/** Closed; each has its line in the README. */
export type ApacheDifferenceCode =
  | 'DIFFERS_PATH_SPELLING'
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
  | 'DIFFERS_CLIENT_CERTIFICATE'
  | 'DIFFERS_WHOLE_URL'
  | 'DIFFERS_FRONT_END_HTTPS';

/** Every announced difference, in the order in which a report tells them. */
export const APACHE_DIFFERENCES: readonly ApacheDifference[] = [
  {
    code: 'DIFFERS_PATH_SPELLING',
    text: 'Paths of Exchange are taken in any case and in any spelling that comes to them (//owa, /%6fwa, /owa;x), as IIS reads them; Apache took one case.',
    on: 'otherwiseSpelled',
    signs: [{ kind: 'verdict' }],
  },
  {
    code: 'DIFFERS_PATH_SPELLING',
    text: 'Paths that moved go on as the client spelled them; Apache decoded them and wrote them anew.',
    on: 'moved',
    signs: [{ kind: 'target', alike: isSamePath }],
  },
  {
    code: 'DIFFERS_ADDED',
    text: 'Where a route for /rpc was added, its requests go to Exchange; Apache could not carry them.',
    on: 'added',
    signs: [{ kind: 'verdict' }],
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
    signs: [{ kind: 'refusal', codes: ['PATH_AMBIGUOUS'] }],
  },
  {
    code: 'DIFFERS_HOST_REFUSED',
    text: 'A request of HTTP/1.1 without Host, one with two, or with one that is no name and no address, is answered 400 (RFC 9112 3.2).',
    on: 'all',
    signs: [{ kind: 'refusal', codes: ['HOST_MISSING', 'HOST_REPEATED', 'HOST_MALFORMED'] }],
  },
  {
    code: 'DIFFERS_FORWARDED',
    text: 'X-Forwarded-Proto is sent too; on paths that moved X-Forwarded-Server is not, and what clients claim in X-Forwarded-For and X-Forwarded-Host goes no further; on those that stay X-Forwarded-Host names the host twice.',
    on: 'all',
    signs: [
      { kind: 'field', names: ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-server'] },
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
    signs: [{ kind: 'version' }],
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
    code: 'DIFFERS_CLIENT_CERTIFICATE',
    text: 'A virtual host that stays and asks for client certificates gets none through Outrigger: its clients are told 502, those without one as well, with whom Apache broke off.',
    on: 'all',
    signs: [{ kind: 'refusal', codes: ['UPSTREAM_CLIENT_CERTIFICATE'] }],
  },
  {
    code: 'DIFFERS_WHOLE_URL',
    text: 'Where the target is a whole URL, its host goes on as Host (RFC 9112 3.2.2); Apache sent on what the field said.',
    on: 'wholeUrl',
    signs: [{ kind: 'field', names: ['host'] }],
  },
  {
    code: 'DIFFERS_FRONT_END_HTTPS',
    text: 'Where a line sets Front-End-Https for one path of an Exchange, it is set for every path that goes there.',
    on: 'moved',
    signs: [{ kind: 'field', names: ['front-end-https'], alike: (theirs, ours) => theirs === '' && ours !== '' }],
  },
];

/** Whether a request that a rule takes is one of `on`, by the route that takes it. */
export function isConcerned(
  on: ApacheDifference['on'],
  request: { target: string },
  route: RuleSet['routes'][number] | undefined,
  upstream: Upstream | undefined,
): boolean {
  if (on === 'all') return true;
  if (on === 'wholeUrl') return /^https?:\/\//i.test(request.target);
  if (route === undefined || upstream?.rpcOverHttp !== true) return false;
  if (on === 'moved') return true;
  if (on === 'added') return route.from?.some(({ directive }) => directive.startsWith('added ')) === true;
  const prefixes = (route.when?.path ?? []).flatMap((each) => ('prefix' in each ? [each.prefix] : []));
  const path = normalizedPath(request.target);
  // Apache compares whole segments, and knows no parameters of one (AP-52).
  const isWritten = (prefix: string): boolean =>
    path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
  return prefixes.length > 0 && !prefixes.some(isWritten);
}

function isSamePath(theirs: string, ours: string): boolean {
  return sameReading(theirs) === sameReading(ours);
}

/** The path without its spelling; the query letter for letter. */
function sameReading(target: string): string {
  const [path = '', query] = target.split(/\?(.*)/s);
  return query === undefined ? normalizedPath(path) : `${normalizedPath(path)}?${query}`;
}
