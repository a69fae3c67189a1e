// Room: what the rewrite lane changes: the path of a request; Location, and Domain and Path of cookies, in its answer. Pure.
import { normalizedPath, type Rewrite } from '@outrigger/rules';

type PathMap = { from: string; to: string };

/** A dot segment in any spelling that a server may decode: `..`, `%2e.`, `..;x`, after a slash of any kind. */
const DOT_SEGMENT = /(?:^|\/|\\|%2f|%5c)(?:\.|%2e){1,2}(?:$|\/|\\|;|%2f|%5c)/i;

/** RFC 3986 3.3: characters that a path may hold as they are. */
const NOT_IN_PATH = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/]/g;

/**
 * The target with a prefix of its path replaced, in whole segments: `/mail` to `/owa` moves `/mail` and `/mail/x`, not
 * `/mailbox`. A path that the rules read as lying below `from` is moved however it is spelled, since a map is a fence, too: with
 * dot segments or escapes in the prefix it goes on in its plain spelling. Others stay as they are, byte for byte.
 */
export function mapTarget(target: string, { from, to }: PathMap): string {
  const queryAt = target.indexOf('?');
  const path = queryAt === -1 ? target : target.slice(0, queryAt);
  const query = target.slice(path.length);
  const spelled = DOT_SEGMENT.test(path) ? undefined : restBelow(path, from);
  if (spelled !== undefined) return join(to, spelled) + query;
  const plain = restBelow(normalizedPath(path), from);
  if (plain === undefined) return target;
  return join(to, plain.replace(NOT_IN_PATH, escapeByte)) + query;
}

/** What follows `from` in a path, undefined where the path is not below it. */
function restBelow(path: string, from: string): string | undefined {
  if (!path.startsWith(from)) return undefined;
  const rest = path.slice(from.length);
  return rest === '' || from.endsWith('/') || rest.startsWith('/') ? rest : undefined;
}

/** One slash between the two, never two; none where neither has one, as the rules' author wrote it. */
function join(to: string, rest: string): string {
  return to.endsWith('/') && rest.startsWith('/') ? to + rest.slice(1) : to + rest;
}

function escapeByte(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** Who asked, and which servers may name themselves in an answer. */
export type RewriteContext = {
  /** `scheme://authority` as the client used it. */
  publicOrigin: string;
  /** URLs of the upstream's servers, and its Host if the rules send one. */
  servers: readonly string[];
};

/** Fields that carry a URL the client will follow (mod_proxy: ProxyPassReverse). */
const URL_FIELDS: ReadonlySet<string> = new Set(['location', 'content-location', 'uri', 'destination']);

/** A response field as the client may see it: the value changed by the first map that fits, or as it came. */
export function rewriteField(name: string, value: string, rewrite: Rewrite, context: RewriteContext): string {
  const lower = name.toLowerCase();
  if (URL_FIELDS.has(lower)) return rewriteUrl(value, rewrite.location ?? [], context);
  if (lower !== 'set-cookie') return value;
  return rewriteCookie(value, rewrite);
}

/**
 * As ProxyPassReverse does (mod_proxy, ap_proxy_location_reverse_map): a prefix that is a URL fits an absolute Location; a
 * prefix that is a path fits the path of a relative one, or of one that names a server of this upstream; both in any case, as
 * IIS leads from /EWS to /ews. Departure: Apache lets a path fit whatever host is named, and so claims links that lead elsewhere.
 */
function rewriteUrl(url: string, maps: readonly PathMap[], { publicOrigin, servers }: RewriteContext): string {
  const absolute = splitUrl(url);
  for (const { from, to } of maps) {
    const wanted = splitUrl(from);
    const fits =
      wanted === undefined
        ? absolute === undefined || servers.some((server) => splitUrl(server)?.origin === absolute.origin)
        : wanted.origin === absolute?.origin;
    const path = absolute?.path ?? url;
    const prefix = wanted?.path ?? from;
    if (!fits || !path.toLowerCase().startsWith(prefix.toLowerCase())) continue;
    const mapped = to + path.slice(prefix.length);
    return absolute === undefined || splitUrl(to) !== undefined ? mapped : publicOrigin + mapped;
  }
  return url;
}

const DEFAULT_PORT: Readonly<Record<string, string>> = { http: '80', https: '443' };

/** `scheme://host:port` in lower case with its port said, and the rest as it is; undefined for what is no http(s) URL. */
function splitUrl(url: string): { origin: string; path: string } | undefined {
  const match = /^(https?):\/\/([^/?#:]*|\[[^\]/?#]*\])(?::(\d*))?(?=$|[/?#])(.*)$/is.exec(url);
  if (match === null) return undefined;
  const [, scheme = '', host = '', port, path = ''] = match;
  const lower = scheme.toLowerCase();
  return { origin: `${lower}://${host.toLowerCase()}:${port || DEFAULT_PORT[lower]}`, path };
}

/**
 * ProxyPassReverseCookieDomain: a Domain that is `from` becomes `to`. ProxyPassReverseCookiePath: a Path that begins with `from`
 * becomes `to`, whole. Names, values and other attributes are not touched.
 */
function rewriteCookie(cookie: string, { cookieDomain = [], cookiePath = [] }: Rewrite): string {
  const [pair = '', ...attributes] = cookie.split(';');
  const rewritten = attributes.map((attribute) => {
    const [, lead = '', name = '', value = ''] = /^(\s*([^=\s]+)\s*=\s*)(.*?)\s*$/.exec(attribute) ?? [];
    const map =
      name.toLowerCase() === 'domain'
        ? cookieDomain.find(({ from }) => withoutDot(from) === withoutDot(value))
        : name.toLowerCase() === 'path'
          ? cookiePath.find(({ from }) => value.startsWith(from))
          : undefined;
    return map === undefined ? attribute : lead + map.to;
  });
  return [pair, ...rewritten].join(';');
}

/** RFC 6265 5.2.3: case and a leading dot mean nothing in a Domain. */
function withoutDot(domain: string): string {
  return domain.toLowerCase().replace(/^\./, '');
}
