// Room: which virtual host takes a request. Pure. First the address and port a connection was accepted on choose a set, then
// the Host chooses in it. Source: httpd 2.4 server/vhost.c, find_ipaddr, find_default_server, check_hostalias, matches_aliases,
// check_serverpath (AP-30 to AP-41).
import { canonicalHost, parseAddress } from '@outrigger/rules';
import type { Address, Server, Servers, VirtualHost } from './servers.ts';

/** Where a connection was accepted. */
export type Accepted = { address: string; port: number };

/** Why it was this one: a name of it, the address in its VirtualHost line, its ServerPath, the first of the set, or none there. */
export type Choice = { server: Server; by: 'name' | 'address' | 'path' | 'first' | 'main' };

/**
 * The server for a request. `host`: the Host of the request without port; undefined where it names none, and then `path`, the
 * path as sent, may find a ServerPath.
 */
export function chooseServer(servers: Servers, accepted: Accepted, host: string | undefined, path: string): Choice {
  const set = addressSet(servers, accepted);
  const first = set[0]?.server;
  if (first === undefined) return { server: servers.main, by: 'main' };
  if (host === undefined) {
    const found = set.find(({ server }) => server.path !== undefined && isUnder(path, server.path));
    return found === undefined ? { server: first, by: 'first' } : { server: found.server, by: 'path' };
  }
  const asked = canonicalHost(host);
  const named = set.find(({ server }) => hasName(server, asked, servers));
  if (named !== undefined) return { server: named.server, by: 'name' };
  const addressed = set.find(({ addresses }) => addresses.some(({ written }) => written.toLowerCase() === asked));
  return addressed === undefined ? { server: first, by: 'first' } : { server: addressed.server, by: 'address' };
}

/** A virtual host, and those of its addresses by which it is in a set. */
export type Member = { server: VirtualHost; addresses: Address[] };

/**
 * The virtual hosts among which a Host chooses, in the order of the file; empty where the main server takes all. An exact
 * address beats any, and then an exact port beats any; the others are out, whatever their names (AP-34, AP-35).
 */
export function addressSet({ virtualHosts }: Servers, { address, port }: Accepted): Member[] {
  const local = parseAddress(address);
  const isExact = ({ host }: Address): boolean => host.kind === 'address' && host.value === local;
  const isAny = ({ host }: Address): boolean => host.kind === 'any';
  for (const takesAddress of [isExact, isAny]) {
    for (const wanted of [port, undefined]) {
      const set = virtualHosts
        .map((server) => ({
          server,
          addresses: server.addresses.filter((each) => takesAddress(each) && each.port === wanted),
        }))
        .filter(({ addresses }) => addresses.length > 0);
      if (set.length > 0) return set;
    }
  }
  return [];
}

/** The ServerName that finds it: its own, else on any address that of the main server; undefined where only DNS would know. */
export function serverNameOf(server: VirtualHost, { main }: Servers): string | undefined {
  return server.serverName ?? (server.addresses.some(({ host }) => host.kind === 'any') ? main.serverName : undefined);
}

function hasName(server: VirtualHost, asked: string, servers: Servers): boolean {
  return (
    serverNameOf(server, servers)?.toLowerCase() === asked || server.aliases.some((alias) => matchesName(alias, asked))
  );
}

/** Whether a ServerAlias is the name asked for, in lower case: `*` is any characters, `?` one (ap_strcasecmp_match). */
export function matchesName(alias: string, asked: string): boolean {
  const pattern = alias.toLowerCase();
  // Where the last `*` stands, and what of the name it has swallowed so far: a later letter that fails lets it take one more.
  let star: { at: number; taken: number } | undefined;
  let at = 0;
  for (let index = 0; index < asked.length; ) {
    if (pattern[at] === '*') {
      star = { at, taken: index };
      at += 1;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === asked[index])) {
      at += 1;
      index += 1;
    } else if (star !== undefined) {
      star.taken += 1;
      at = star.at + 1;
      index = star.taken;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(at));
}

function isUnder(path: string, prefix: string): boolean {
  const next = path[prefix.length];
  return path.startsWith(prefix) && (prefix.endsWith('/') || next === '/' || next === undefined);
}
