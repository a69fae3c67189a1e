// Room: names that Squid asks DNS for where the Host is an address: dstdomain and dstdom_regex without -n (acl/DestinationDomain.cc).
// A rule sees the address alone. In lists that decide over access what DNS may say counts against the request; a route goes by
// what the client sent. Pure.
import type { Condition } from '@outrigger/rules';
import type { Acl } from './acl.ts';
import { and, atom, type Expr, mapAtoms, or } from './logic.ts';

/** The atom of requests whose Host is an address. */
export const ADDRESS_HOST = 'Host is an address';

/** One in brackets, or any of the ways inet_aton(3) reads: Squid asks for what it stands for. */
const NUMBER = '(?:0x[0-9a-f]+|[0-9]+)';
export const ADDRESS_HOST_CONDITION: Condition = {
  url: [{ regex: `^[a-z]+://(?:\\[[^/]*\\]|${NUMBER}(?:\\.${NUMBER}){0,3})(?:[:/*]|$)` }],
};

/** Whether Squid asks DNS before such an acl holds for no address. */
export function asksDns({ type, lines }: Acl): boolean {
  const isDestination = type === 'dstdomain' || type === 'dstdom_regex';
  return isDestination && !lines.some(({ asksNoDns }) => asksNoDns === true);
}

/** `expr` where an acl that asks DNS may hold for any address: an atom of which nothing is known says whether it does. */
export function withLookups(expr: Expr, asks: (acl: string) => boolean): Expr {
  return mapAtoms(expr, (each) =>
    asks(each.name) ? or([each, and([atom(ADDRESS_HOST), atom(`name of the Host in ${each.name}`)])]) : each,
  );
}
