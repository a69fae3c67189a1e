// Room: public names of a rule, and names of servers. Pure.
import type { Condition } from '@outrigger/rules';

/** A name, an IPv4 address, or `*.` in front of a name. */
export const HOST_NAME = /^(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?$/;

/** Requests for one of the public names; all where there is none. `*.x` of TMG is all below x and not x itself, which `.x` is too. */
export function hostCondition(hosts: readonly string[]): Condition {
  if (hosts.length === 0) return {};
  const plain = hosts.filter((host) => !host.startsWith('*.'));
  const below = hosts.filter((host) => host.startsWith('*.')).map((host) => host.slice(2));
  if (below.length === 0) return { hosts: plain };
  return {
    any: [
      ...(plain.length > 0 ? [{ hosts: plain }] : []),
      ...below.map((host) => ({ hosts: [`.${host}`], not: { hosts: [host] } })),
    ],
  };
}
