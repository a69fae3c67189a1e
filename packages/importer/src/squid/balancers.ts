// Room: ports behind a load balancer: `require-proxy-header` and who may send that header (proxy_protocol_access).
// Source: client_side.cc ConnStateData::proxyProtocolError, Server::start; seen on 5.7: anybody else is closed unread, by default everybody.
import { remark } from '../ledger.ts';
import { EVERY_ADDRESS } from './aclnumbers.ts';
import { allowedBy, type Expr } from './logic.ts';
import type { Model } from './model.ts';
import type { Port } from './ports.ts';
import type { Resolver } from './resolve.ts';

/** Whom the list lets speak: addresses, or why rules cannot say it. */
type Balancers = { kind: 'addresses'; addresses: string[] } | { kind: 'everybody' | 'nobody' | 'unsayable' };

/** The ports as they become listeners: those that want the header ask the balancers for it, and are left out where rules cannot. */
export function behindBalancers(ports: readonly Port[], model: Model, resolver: Resolver): Port[] {
  if (ports.every(({ wantsProxyHeader }) => !wantsProxyHeader)) {
    for (const { directive } of model.proxyProtocol)
      remark(directive.entry, 'irrelevant', 'SQUID_PORT_BALANCER', 'no port asks for the PROXY protocol');
    return [...ports];
  }
  const balancers = balancersOf(model, resolver);
  remarkLines(balancers, model);
  return ports.flatMap((port) => (port.wantsProxyHeader ? announced(port, balancers) : [port]));
}

function balancersOf({ proxyProtocol }: Model, resolver: Resolver): Balancers {
  if (proxyProtocol.length === 0) return { kind: 'nobody' };
  const expr = allowedBy(proxyProtocol.map((line) => ({ action: line.action, when: resolver.lineOf(line) })));
  if (expr.kind === 'always') return { kind: 'everybody' };
  if (expr.kind === 'never') return { kind: 'nobody' };
  const addresses = addressesIn(expr, resolver);
  return addresses === undefined ? { kind: 'unsayable' } : { kind: 'addresses', addresses };
}

/** Addresses that `expr` is about and nothing else; undefined where it asks for more, or for who is not there. */
function addressesIn(expr: Expr, resolver: Resolver): string[] | undefined {
  const parts = expr.kind === 'or' ? expr.parts : [expr];
  const lists = parts.map((part) => {
    if (part.kind !== 'atom' || !resolver.isKnown(part.name)) return undefined;
    const { clients, ...others } = resolver.condition(part);
    const isPlain = Object.keys(others).length === 0 && clients?.every((entry) => !entry.startsWith('!'));
    return isPlain ? clients : undefined;
  });
  return lists.every((list) => list !== undefined) ? [...new Set(lists.flat())] : undefined;
}

function announced(port: Port, balancers: Balancers): Port[] {
  const { entry } = port.directive;
  if (balancers.kind === 'nobody') {
    const message =
      'no proxy_protocol_access line lets anybody speak here: Squid closes every connection, and no listener is made';
    remark(entry, 'irrelevant', 'SQUID_PORT_BALANCER', message, { severity: 'warning' });
    return [];
  }
  if (balancers.kind === 'unsayable') {
    const message =
      'proxy_protocol_access says more than addresses, so who may speak here cannot be said; no listener is made';
    const hint = 'Name the balancers by address in proxy_protocol_access, and import again.';
    remark(entry, 'untranslated', 'SQUID_PORT_BALANCER', message, { hint });
    return [];
  }
  const addresses = balancers.kind === 'addresses' ? balancers.addresses : EVERY_ADDRESS;
  const others = balancers.kind === 'everybody' ? '' : ', and connections of anybody else are closed unread';
  const message = `${addresses.join(', ')} must begin each connection with a PROXY header, whose client rules and log see${others}`;
  remark(entry, 'translated', 'SQUID_PORT_BALANCER', message);
  const listener = {
    ...port.listener,
    proxyProtocol: [...addresses],
    ...(balancers.kind === 'addresses' && { proxyProtocolOnly: true as const }),
  };
  return [{ ...port, listener }];
}

function remarkLines(balancers: Balancers, { proxyProtocol }: Model): void {
  for (const { directive } of proxyProtocol) {
    if (balancers.kind === 'unsayable') {
      const message = 'lets others speak the PROXY protocol than a list of addresses says';
      remark(directive.entry, 'untranslated', 'SQUID_PORT_BALANCER', message, {
        hint: 'Name the balancers by address.',
      });
    } else {
      remark(
        directive.entry,
        'translated',
        'SQUID_CARRIED',
        'says who may speak the PROXY protocol: proxyProtocol of the listener',
      );
    }
  }
}
