// Room: for which Hosts a virtual host of a set is chosen, as a `hosts` condition. What cannot be said is left out: those requests go
// on to Apache, which knows. Pure.
import type { Servers, VirtualHost } from './servers.ts';
import { matchesName, serverNameOf } from './vhosts.ts';

/**
 * `hosts` absent: every Host. `unsaid`: names of it that no condition can say. `taken`: those that an earlier virtual host has, which
 * Apache asks first (AP-30). `kind: 'none'`: no Host finds it for sure.
 */
export type HostsOf = { unsaid: string[]; taken: Taken[] } & ({ kind: 'some'; hosts?: string[] } | { kind: 'none' });

export type Taken = { name: string; by: VirtualHost };

/**
 * The Hosts of `server` among `set`, in the order of the file. Its names, but for those an earlier one takes; where it has
 * none and is the first of the set, all that no other takes.
 */
export function hostsOf(server: VirtualHost, set: readonly VirtualHost[], servers: Servers): HostsOf {
  const before = set.slice(0, set.indexOf(server));
  const earlier = before.flatMap((each) => allNames(each, servers));
  const names = distinct(allNames(server, servers));
  const unsaid: string[] = [];
  const taken: Taken[] = [];
  const hosts: string[] = [];
  for (const name of names) {
    const by = /[*?]/.test(name)
      ? undefined
      : before.find((each) => allNames(each, servers).some((alias) => matchesName(alias, name)));
    if (by !== undefined) {
      taken.push({ name, by });
      continue;
    }
    const said = sayable(name);
    if (said === undefined || said.some((entry) => isTaken(entry, earlier))) unsaid.push(name);
    else hosts.push(...said);
  }
  const isWide = hosts.some((host) => host.startsWith('.'));
  const exact = new Set(hosts.filter((host) => !/^[!.]/.test(host)));
  const own = hosts.filter((host) => !(host.startsWith('!') && exact.has(host.slice(1))));
  if (own.length > 0) {
    // A suffix may hold names that an earlier virtual host has: they are not its own.
    const others = isWide
      ? earlier.flatMap((name) => sayable(name) ?? []).filter((entry) => !entry.startsWith('!'))
      : [];
    return { kind: 'some', hosts: distinct([...own, ...others.map((entry) => `!${entry}`)]), unsaid, taken };
  }
  if (names.length > 0 || set[0] !== server) return { kind: 'none', unsaid, taken };
  const others = set.slice(1).flatMap((each) => allNames(each, servers));
  const said = others.map(sayable);
  if (said.includes(undefined)) return { kind: 'none', unsaid: others, taken };
  const named = distinct(said.flatMap((entries) => entries ?? []).filter((entry) => !entry.startsWith('!')));
  return { kind: 'some', unsaid, taken, ...(named.length > 0 && { hosts: named.map((entry) => `!${entry}`) }) };
}

function allNames(server: VirtualHost, servers: Servers): string[] {
  const name = serverNameOf(server, servers);
  return [...(name === undefined ? [] : [name]), ...server.aliases].map((each) => each.toLowerCase());
}

/** A name as entries of `hosts`; `*.x` is all below x, and not x itself (AP-31). Undefined for other patterns. */
function sayable(name: string): string[] | undefined {
  if (/^[^*?:\s!]+$/.test(name)) return [name];
  const [, domain] = /^\*\.([^*?:\s]+)$/.exec(name) ?? [];
  return domain === undefined ? undefined : [`.${domain}`, `!${domain}`];
}

/** Whether an earlier virtual host takes (some of) what an entry stands for. */
function isTaken(entry: string, earlier: readonly string[]): boolean {
  if (entry.startsWith('!')) return false;
  return entry.startsWith('.')
    ? earlier.some((name) => /[*?]/.test(name) && sayable(name) === undefined)
    : earlier.some((name) => matchesName(name, entry));
}

function distinct(list: readonly string[]): string[] {
  return [...new Set(list)];
}
