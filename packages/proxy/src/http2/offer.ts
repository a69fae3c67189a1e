// Room: which protocol a client gets in the handshake, and which hosts a connection of HTTP/2 may then ask for.
import { canonicalHost, compilePassThrough, http2Offer, type Listener, type RuleSet } from '@outrigger/rules';
import type { ListenerTls } from '../certificates.ts';

/**
 * ALPN (RFC 7301): h2 where the rules prove for the name (SNI) that no RPC may arrive, else http/1.1; undefined where the client
 * speaks neither, which ends the handshake. `servername`: false without SNI, whatever node's types say.
 */
export function chooseProtocol(
  client: { servername: string | false; protocols: readonly string[] },
  listener: Listener,
  rules: RuleSet,
): 'h2' | 'http/1.1' | undefined {
  if (client.protocols.includes('h2') && http2Offer(rules, listener, client.servername || '').offered) return 'h2';
  return client.protocols.includes('http/1.1') ? 'http/1.1' : undefined;
}

/**
 * True for hosts that a connection to `name` may ask for. A client sends requests for other hosts on it, too, where its certificate
 * covers them (RFC 9113 9.1.1); that is right where the same certificate would have been shown and h2 been offered for them, and
 * never for a host that passes through: its pages are another server's.
 */
export function coveredHosts(
  name: string,
  listener: Listener,
  tls: ListenerTls,
  rules: RuleSet,
): (host: string) => boolean {
  const asked = canonicalHost(name);
  const shown = tls.pick(asked);
  const passes = compilePassThrough(listener);
  return (host) =>
    host === asked ||
    (passes?.(host) === undefined &&
      shown !== undefined &&
      tls.pick(host) === shown &&
      http2Offer(rules, listener, host).offered);
}
