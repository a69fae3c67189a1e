// Room: which lines of Apache lead to Exchange or an RD Gateway. A path alone says nothing: /rpc may be anything. A server is taken
// for Exchange by a path that nothing else has, by two that few others have, or by the module made for it. Pure.
import type { Directive } from './tree.ts';

/** Paths, in lower case, that nothing but Exchange or an RD Gateway has: one is sign enough. */
const OWN_PATHS = new Set([
  '/owa',
  '/ecp',
  '/ews',
  '/microsoft-server-activesync',
  '/rpcwithcert',
  '/rdweb',
  '/remotedesktopgateway',
  '/exchweb',
  '/exadmin',
  '/exchange',
]);
/** Paths that others have as well. */
const SHARED_PATHS = new Set(['/rpc', '/mapi', '/oab', '/autodiscover', '/powershell', '/public', '/api']);

/** Weak signs that together are one. */
const WEAK_ENOUGH = 2;

/** A line that may lead to Exchange, as far as this room looks at it. */
export type Lead = { prefix: string; directive: Directive };

/** The first segment of a prefix where it is one that Exchange or RD Gateway has; undefined where it is not. */
export function exchangePath(prefix: string): string | undefined {
  const first = /^\/[^/]*/.exec(prefix.toLowerCase())?.[0] ?? '';
  return OWN_PATHS.has(first) || SHARED_PATHS.has(first) ? first : undefined;
}

/**
 * Why the server behind these lines is Exchange, as the subject of a sentence; undefined where nothing says so. `passthrough`: the
 * OutlookAnywherePassthrough line of mod_proxy_msrpc that holds there.
 */
export function exchangeSign(leads: readonly Lead[], passthrough: Directive | undefined): string | undefined {
  if (passthrough !== undefined) return `OutlookAnywherePassthrough (line ${passthrough.at.line})`;
  const paths = [...new Set(leads.flatMap(({ prefix }) => exchangePath(prefix) ?? []))];
  const own = paths.find((path) => OWN_PATHS.has(path));
  if (own !== undefined) return `the path ${own}`;
  return paths.length >= WEAK_ENOUGH ? `the paths ${paths.join(' and ')}` : undefined;
}
