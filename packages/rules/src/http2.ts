// Room: whether a browser may be offered HTTP/2 for a host name. RPC over HTTP and RD Gateway are HTTP/1.1 only (field cases 12,
// 24, 46), and a client that is offered h2 takes it for every request of the connection; so the name alone must prove that
// none of them can lead to an upstream with rpcOverHttp. Pure; errs towards HTTP/1.1.

import type { Condition } from './condition.ts';
import { listenerName } from './facts.ts';
import { canonicalHost } from './hostname.ts';
import { compileCondition, subjectOf } from './match.ts';
import { type Listener, type Route, type RuleSet, upstreamsOf } from './schema.ts';

/**
 * Why a name is not offered HTTP/2: `plain` the listener has no TLS, so no ALPN · `off` the rules say so · `tls` versions or
 * ciphers of the listener's own, which browsers may refuse with HTTP/2 · `nameless` the client named no host (SNI) · `rpc` a
 * request for that host may reach an upstream with rpcOverHttp.
 */
export type Http2Obstacle = 'plain' | 'off' | 'tls' | 'nameless' | 'rpc';

/** `route`: the first one that may lead such a request there. */
export type Http2Offer =
  | { offered: true }
  | { offered: false; because: Exclude<Http2Obstacle, 'rpc'> }
  | { offered: false; because: 'rpc'; route: Route };

/** The offer to a client that asks for `name` (RFC 6066 3; empty where it asks for none) on this listener. */
export function http2Offer(rules: RuleSet, listener: Listener, name: string): Http2Offer {
  const { tls } = listener;
  if (tls === undefined) return { offered: false, because: 'plain' };
  if (tls.http2 === false) return { offered: false, because: 'off' };
  // RFC 9113 9.2: TLS 1.2 at least, and none of the ciphers that an old client makes one write down.
  const old = tls.maxVersion === '1.0' || tls.maxVersion === '1.1';
  if (old || (tls.ciphers !== undefined && tls.http2 !== true)) return { offered: false, because: 'tls' };
  const host = canonicalHost(name);
  if (host === '') return { offered: false, because: 'nameless' };
  const route = routeToRpc(rules, host, listenerName(listener));
  return route === undefined ? { offered: true } : { offered: false, because: 'rpc', route };
}

/** The first route that may lead some request for this host to an upstream with rpcOverHttp; undefined where none can. */
function routeToRpc(rules: RuleSet, host: string, listener: string): Route | undefined {
  for (const route of rules.routes) {
    const holds = truthOf(route.when ?? {}, host, listener);
    if (holds === 'never') continue;
    // A name that leads nowhere is the loader's to refuse; until then it could be anything.
    if (upstreamsOf(route).some((name) => rules.upstreams.get(name)?.rpcOverHttp !== false)) return route;
    // First match wins: what this route takes, none behind it gets.
    if (holds === 'always') return undefined;
  }
  return undefined;
}

/** Of a condition, over all requests for one host on one listener. */
type Truth = 'never' | 'maybe' | 'always';
const OPPOSITE = { never: 'always', maybe: 'maybe', always: 'never' } as const satisfies Record<Truth, Truth>;

function truthOf(condition: Condition, host: string, listener: string): Truth {
  const { hosts, listeners, any, all, not, ...others } = condition;
  const parts: Truth[] = [];
  // What is known is asked of the very predicates that route() uses.
  if (hosts !== undefined) parts.push(known({ hosts }, host, listener));
  if (listeners !== undefined) parts.push(known({ listeners }, host, listener));
  if (any !== undefined) parts.push(anyOf(any.map((each) => truthOf(each, host, listener))));
  for (const each of all ?? []) parts.push(truthOf(each, host, listener));
  if (not !== undefined) parts.push(OPPOSITE[truthOf(not, host, listener)]);
  // Path, method, field, client, port, URL, time: some request has it and some has not, for all a name can tell.
  if (Object.values(others).some((value) => value !== undefined)) parts.push('maybe');
  return allOf(parts);
}

function known(condition: Condition, host: string, listener: string): Truth {
  const asked = {
    method: '',
    scheme: 'https',
    port: 443,
    target: '/',
    authority: host,
    client: '',
    connectsFrom: '',
    connections: 1,
    time: { day: 'mon', minute: 0 },
    fields: [],
  } as const;
  return compileCondition(condition, true)(subjectOf({ ...asked, host, listener })) ? 'always' : 'never';
}

function allOf(parts: readonly Truth[]): Truth {
  if (parts.includes('never')) return 'never';
  return parts.includes('maybe') ? 'maybe' : 'always';
}

function anyOf(parts: readonly Truth[]): Truth {
  return OPPOSITE[allOf(parts.map((part) => OPPOSITE[part]))];
}
