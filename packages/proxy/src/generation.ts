// Room: all that is made from one reading of the rules, before anything of it is served. The next generation takes over from the one
// before it what has not changed: a dialler with its health and sessions, the rewrite lane.
import { type CompiledRules, compileRules, type Listener, listenerName, type RuleSet } from '@outrigger/rules';
import { type ListenerTls, listenerTls } from './certificates.ts';
import { loadPages, type Pages } from './pages.ts';
import { type PemReader, type ReadFile, readOnce } from './pem.ts';
import type { StartProblem } from './start.ts';
import { createDiallers, type ServerDialler, type TellFailover } from './upstream.ts';
import { createRewriteLane, type RewriteLane } from './web.ts';

/** A listener of the rules with its certificates loaded. */
export type PreparedListener = { listener: Listener; tls?: ListenerTls };

export type Generation = {
  rules: CompiledRules;
  diallers: ReadonlyMap<string, ServerDialler>;
  rewriteLane: RewriteLane;
  listeners: readonly PreparedListener[];
  pages: Pages;
  /** Files of the rules as they were when this was made. */
  readFile: ReadFile;
};

export type GenerationResult =
  | { kind: 'generation'; generation: Generation }
  | { kind: 'bad'; problems: StartProblem[] };

/** Reads every file of the rules, and says all that is wrong with them. Opens nothing. */
export function createGeneration(
  rules: RuleSet,
  { readFile: readNow, ...rest }: PemReader,
  now: () => number,
  tell: TellFailover,
  before: Generation | undefined,
): GenerationResult {
  // Files change while they are read: all that needs one has the same bytes.
  const readFile = readOnce(readNow);
  const reader: PemReader = { readFile, ...rest };
  const dialling = createDiallers(rules, reader, now, tell, before?.diallers);
  const { listeners, problems } = prepareListeners(rules.listen, reader);
  const { pages, problems: unshown } = loadPages(rules, reader);
  problems.push(...unshown);
  if (dialling.kind === 'bad') return { kind: 'bad', problems: [...problems, ...dialling.problems] };
  if (problems.length > 0) return { kind: 'bad', problems };
  const { head } = rules.limits;
  const rewriteLane = before?.rules.ruleSet.limits.head === head ? before.rewriteLane : createRewriteLane(head);
  const { diallers } = dialling;
  const made = { rules: compileRules(rules), diallers, rewriteLane, listeners, pages, readFile };
  return { kind: 'generation', generation: made };
}

/** Every listener with its certificates, or what is wrong with their files. */
export function prepareListeners(
  wanted: readonly Listener[],
  reader: PemReader,
): { listeners: PreparedListener[]; problems: StartProblem[] } {
  const listeners: PreparedListener[] = [];
  const problems: StartProblem[] = [];
  for (const listener of wanted) {
    const loaded = listener.tls === undefined ? undefined : listenerTls(listener.tls, listenerName(listener), reader);
    if (loaded === undefined) listeners.push({ listener });
    else if (loaded.kind === 'tls') listeners.push({ listener, tls: loaded.tls });
    else problems.push(...loaded.problems);
  }
  return { listeners, problems };
}
