// Room: what a plain listener with `redirect: https` answers: the way to the same page on TLS. Nothing that carries a login passes.
import { type RequestFacts, urlOf } from './facts.ts';
import type { CompiledRules } from './route.ts';
import type { Listener, RuleSet } from './schema.ts';
import { parseListenAddress } from './server.ts';
import { normalizedPath, pathAmbiguity } from './target.ts';
import { forwardedProto } from './trusted.ts';

export type Redirection =
  | { kind: 'redirect'; status: 301 | 308; location: string }
  | { kind: 'refuse'; status: 400 | 405; code: 'REDIRECT_NO_HOST' | 'REDIRECT_TUNNEL'; message: string };

/** RFC 8555 8.3: authorities ask for this over plain HTTP, and whoever renews certificates answers it: it is routed as usual. */
const ACME = '/.well-known/acme-challenge/';

/**
 * What the listener answers instead of routing; undefined where the request is routed: the listener redirects nothing, the path is an
 * ACME challenge, or a trusted proxy (`peer`) says the client came over TLS already.
 */
export function redirection(
  rules: CompiledRules,
  listener: Listener,
  facts: RequestFacts,
  peer: string,
): Redirection | undefined {
  if (listener.redirect === undefined) return undefined;
  if (forwardedProto(facts.fields, peer, rules.trusts) === 'https') return undefined;
  if (rules.tunnelMethods.has(facts.method)) {
    const message = `${facts.method} carries a login and came over plain HTTP; it is not redirected, clients must be set to https`;
    return { kind: 'refuse', status: 405, code: 'REDIRECT_TUNNEL', message };
  }
  if (isChallenge(facts.target)) return undefined;
  if (facts.host === '') {
    const message = 'the request names no host to be redirected to, and the listener has no defaultHost';
    return { kind: 'refuse', status: 400, code: 'REDIRECT_NO_HOST', message };
  }
  // RFC 9110 15.4.2, 15.4.9: 308 keeps the method; 301 is what every old client knows, and GET stays GET.
  const status = facts.method === 'GET' || facts.method === 'HEAD' ? 301 : 308;
  const port = tlsPort(rules.ruleSet);
  const target = facts.target.startsWith('/') ? facts.target : '/';
  return { kind: 'redirect', status, location: urlOf({ ...facts, scheme: 'https', port, target }) };
}

/** As the client spells it and as any server reads it. */
function isChallenge(target: string): boolean {
  return target.startsWith(ACME) && normalizedPath(target).startsWith(ACME) && pathAmbiguity(target) === undefined;
}

/** 443 where a TLS listener has it, else the port of the first one; a port the system chooses is nobody's to name. */
function tlsPort({ listen }: RuleSet): number {
  const ports = listen
    .filter(({ tls }) => tls !== undefined)
    .map(({ address }) => parseListenAddress(address)?.port ?? 0);
  return ports.includes(443) ? 443 : ports[0] || 443;
}
