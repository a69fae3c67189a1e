// Room: the ways of a publishing rule: over what its requests go on from which listeners, or why it is not carried. Pure.
import type { Listener, Upstream } from '@outrigger/rules';
import { HOST_NAME } from './hosts.ts';
import type { Mapping } from './paths.ts';
import type { Reading } from './reading.ts';
import { type Export, type TmgRecord, textOf } from './records.ts';
import { bridging, publishedServer } from './servers.ts';

/** How requests of some of its listeners go on. */
export type Way = { listeners: Listener[]; upstream: Upstream; name: string; origins: string[] };
export type Ways = { kind: 'ways'; mappings: Mapping[]; ways: Way[] } | { kind: 'refused'; message: string };

/** A denial goes nowhere: it has no ways, and is refused only where it is for no requests that can be said. */
export function waysOf(rule: TmgRecord, reading: Reading, found: Export): Ways {
  const { isDenied, listeners, hosts, mappings, filters, bars } = reading;
  const refused = (message: string): Ways => ({ kind: 'refused', message });
  if (listeners.length === 0) return refused('it has no listener');
  if (!hosts.every((host) => HOST_NAME.test(host))) return refused('a public name of it is none');
  if (mappings === undefined)
    return refused('a path of it is none, ends in no star that can be mapped, or is not said');
  if (isDenied) return { kind: 'ways', mappings, ways: [] };
  if (bars.length > 0) return refused([...new Set(bars)].join(', '));
  const published = publishedServer(rule, found, filters);
  if (published.kind === 'refused') return published;
  const isSecure = bridging(
    rule,
    listeners.some(({ tls }) => tls !== undefined),
  );
  if (isSecure === undefined) return refused('the server it publishes is no web server');
  const open = isTlsOnly(rule) ? listeners.filter(({ tls }) => tls !== undefined) : listeners;
  if (open.length === 0) return refused('it wants TLS, and its listener has none');
  const { server } = published;
  const ways = [true, false].map((secure) => ({
    listeners: open.filter(({ tls }) => isSecure(tls !== undefined) === secure),
    upstream: server.upstream(secure),
    name: server.name,
    origins: server.origins(secure),
  }));
  return { kind: 'ways', mappings, ways: ways.filter((way) => way.listeners.length > 0) };
}

/** SDK, FpcSSLRequireSecureChannelMode: 0 asks for nothing. */
function isTlsOnly(rule: TmgRecord): boolean {
  return !['', '0'].includes(textOf(rule, 'SSLRequireSecureChannel'));
}
