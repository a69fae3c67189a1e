// Room: connections that are not ended here: which name in SNI goes to which upstream as it is.
import { hostTest } from './match.ts';
import type { Listener, PassThrough, RuleSet } from './schema.ts';

/** The first entry whose hosts have the name: lower case, no trailing dot, empty where the client asks for none. */
export type PassThroughChoice = (serverName: string) => PassThrough | undefined;

/** Compiles the pass-through entries of a listener; undefined where it has none. */
export function compilePassThrough({ passThrough }: Pick<Listener, 'passThrough'>): PassThroughChoice | undefined {
  const entries = passThrough?.map((entry) => ({ entry, has: hostTest(entry.hosts) }));
  return entries && ((serverName) => entries.find(({ has }) => has(serverName))?.entry);
}

/** Upstreams that connections are passed through to. */
export function passedThroughTo({ listen }: RuleSet): ReadonlySet<string> {
  return new Set(listen.flatMap(({ passThrough = [] }) => passThrough.map(({ to }) => to)));
}
