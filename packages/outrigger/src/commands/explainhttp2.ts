// Room: the line of `explain` about HTTP/2: whether a browser is offered it for a host, and what keeps it from that.
import {
  formatPlace,
  type Http2Obstacle,
  http2Offer,
  type Listener,
  type RuleSet,
  upstreamsOf,
} from '@outrigger/rules';

const OBSTACLES: Readonly<Record<Exclude<Http2Obstacle, 'rpc'>, string>> = {
  plain: 'the listener has no TLS',
  off: 'the listener says http2: false',
  tls: 'the TLS versions or ciphers of the listener are its own; http2: true offers it with own ciphers all the same',
  nameless: 'an address is no name, and without one nothing tells the hosts apart',
};

/** The offer to a client that sends `serverName` in SNI, empty for none, to this listener; `because` is a sentence. */
export function explainHttp2(
  rules: RuleSet,
  listener: Listener,
  serverName: string,
): { offered: boolean; because?: string } {
  const offer = http2Offer(rules, listener, serverName);
  if (offer.offered) return { offered: true };
  if (offer.because !== 'rpc') return { offered: false, because: OBSTACLES[offer.because] };
  const { at, to } = offer.route;
  const taker = upstreamsOf(offer.route).find((name) => rules.upstreams.get(name)?.rpcOverHttp) ?? to;
  const place = at === undefined ? 'a route' : `the route ${formatPlace(at)}`;
  return { offered: false, because: `${place} may lead to ${taker}, which takes RPC, and RPC needs HTTP/1.1` };
}
