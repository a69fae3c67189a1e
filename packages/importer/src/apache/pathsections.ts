// Room: the sections that have a say on the requests of a path that is sent on, in the order in which Apache merges them: Proxy sections
// by the URL they go to, then Location sections by their path. Those of folders and files it never asks of what is proxied (AP-93). Pure.
// Source: server/request.c ap_process_request_internal, modules/proxy/mod_proxy.c proxy_map_location (AP-90 to AP-95, AP-160, AP-161).
import { addsUp } from './effects.ts';
import { isOtherCase, overlapOf } from './overlap.ts';
import { locationsOf, pathsOf } from './proxypass.ts';
import { proxyOverlap, proxySectionsOf } from './proxysections.ts';
import type { Server, Servers } from './servers.ts';
import type { ConfigNode, Section } from './tree.ts';

/**
 * For which requests of a path a section is: all; those below a deeper prefix, which is written in the case of the path or not; the same
 * path in another case, that is none of Apache's; or some, and nobody can say which.
 */
export type Reach =
  | { kind: 'whole' }
  | { kind: 'below'; prefix: string; isOtherCase: boolean }
  | { kind: 'otherCase' }
  | { kind: 'some' };

export type PathSection = { section: Section; reach: Reach };

/** Those for requests under `prefix`, which are sent on to URLs that begin with `url`. */
export function sectionsOfPath(servers: Servers, server: Server, prefix: string, url: string): PathSection[] {
  const proxies = proxySectionsOf(servers, server).flatMap((section): PathSection[] => {
    const overlap = proxyOverlap(section, url);
    return overlap === 'none' ? [] : [{ section, reach: { kind: overlap === 'all' ? 'whole' : 'some' } }];
  });
  const locations = locationsOf(servers, server).flatMap((section): PathSection[] => {
    const reach = reachOf(section, prefix);
    return reach === undefined ? [] : [{ section, reach }];
  });
  return [...proxies, ...locations];
}

function reachOf(section: Section, prefix: string): Reach | undefined {
  const paths = pathsOf(section);
  const overlap = overlapOf(paths, prefix);
  if (overlap.kind === 'none') return undefined;
  if (overlap.kind === 'unclear') return { kind: 'some' };
  const isOther = isOtherCase(paths, prefix);
  if (overlap.kind === 'below') return { kind: 'below', prefix: overlap.prefix, isOtherCase: isOther };
  return { kind: isOther ? 'otherCase' : 'whole' };
}

/** The sections that are for all requests of the path. */
export function wholeSections(sections: readonly PathSection[]): Section[] {
  return sections.filter(({ reach }) => reach.kind === 'whole').map(({ section }) => section);
}

/** A line that holds for a path; `isInside`: it stands in a section. */
export type HeldLine = { line: ConfigNode; isInside: boolean };

/** The lines that hold for all requests of a path, its server's first: of a name the last alone, where its lines do not add up. */
export function heldLines({ main }: Servers, server: Server, whole: readonly Section[]): HeldLine[] {
  const outside = server.kind === 'main' ? main.nodes : [...main.nodes, ...server.nodes];
  const all = [
    ...outside.map((line): HeldLine => ({ line, isInside: false })),
    ...whole.flatMap(({ children }) => children.map((line): HeldLine => ({ line, isInside: true }))),
  ];
  const last = new Map(all.map(({ line }) => [line.key, line]));
  return all.filter(({ line }) => last.get(line.key) === line || addsUp(line));
}
