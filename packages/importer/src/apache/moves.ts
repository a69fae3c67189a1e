// Room: which paths of a virtual host move to Outrigger: those of Exchange whose requests Apache would surely send to the same
// server under the same path. All others stay with Apache, which does what it always did. Pure.
import type { Rewrite } from '@outrigger/rules';
import { type Access, accessOf, type Judge } from './access.ts';
import { type Backend, backendOf } from './backend.ts';
import { exchangePath, exchangeSign } from './exchange.ts';
import { type FieldChanges, fieldChanges } from './fieldchanges.ts';
import { keepsBelow, type Obstacle, obstacleTo } from './obstacles.ts';
import { isOtherCase, isUnder, overlapOf } from './overlap.ts';
import { locationsOf, type ProxyLine, pathsOf, proxyLines } from './proxypass.ts';
import { reversalsOf } from './reversals.ts';
import type { Servers, VirtualHost } from './servers.ts';
import { inherited } from './settings.ts';
import { parseTarget, type Target } from './target.ts';
import { type Directive, directivesOf, type Section, sectionsOf } from './tree.ts';

/** What a rule can say of access. */
export type SaidAccess = Exclude<Access, { kind: 'unsayable' }>;

/** One path that moves. */
export type Move = {
  prefix: string;
  line: Directive;
  backend: Backend;
  /** Why the server is taken for Exchange. */
  sign: string;
  /** Paths below that stay with Apache, and the lines that say so. */
  staying: { prefix: string; line: Directive | Section }[];
  /** Who may ask: the first that holds decides. `below`: for a path below alone. */
  access: { below?: string; access: SaidAccess }[];
  changes: Extract<FieldChanges, { kind: 'changes' }>;
  /** No line of Apache says it. */
  isAdded?: true;
  /** What of answers is changed back. */
  reversals: Rewrite;
};

/** A path of Exchange that stays, and why. */
export type Stay = { prefix: string; line: Directive; obstacle: Obstacle };

/** A line whose path moves with that of a line asked before: the same in another case, or one below. */
export type Twin = { line: Directive; of: Directive };

export type Moves = { moves: Move[]; stays: Stay[]; twins: Twin[] };

type HttpTarget = Extract<Target, { kind: 'http' }>;
/** A line that sends a prefix to the same path of a server. */
type Straight = { line: ProxyLine; prefix: string; target: HttpTarget };

/** What moves of a virtual host, in the order in which Apache asks its lines. */
export function findMoves(servers: Servers, server: VirtualHost): Moves {
  const lines = proxyLines(servers, server);
  const straight = lines.flatMap(straightLine);
  const passthrough = passthroughLine(servers, server);
  const result: Moves = { moves: [], stays: [], twins: [] };
  for (const each of straight) {
    const leads = straight
      .filter(({ target }) => target.origin === each.target.origin)
      .map(({ prefix, line }) => ({ prefix, directive: line.directive }));
    const sign = exchangeSign(leads, passthrough);
    const isOfExchange = exchangePath(each.prefix) !== undefined || isRoot(each.prefix);
    if (sign === undefined || !isOfExchange) continue;
    const twin = result.moves.find(
      ({ prefix, backend }) => isUnder(each.prefix, prefix) && backend.origin === each.target.origin,
    );
    if (twin !== undefined) {
      result.twins.push({ line: each.line.directive, of: twin.line });
      continue;
    }
    const move = moveOf(each, lines, sign, servers, server);
    if ('obstacle' in move) result.stays.push(move);
    else result.moves.push(move);
  }
  return result;
}

function isRoot(prefix: string): boolean {
  return prefix === '/';
}

/** A prefix that keeps its path: `/owa X/owa`, `/owa/ X/owa/`, `/ X/`. */
function straightLine(line: ProxyLine): Straight[] {
  if (line.paths.kind !== 'prefix' || line.target === undefined) return [];
  const target = parseTarget(line.target);
  const { prefix } = line.paths;
  if (target.kind !== 'http') return [];
  const path = target.path === '' && prefix === '/' ? '/' : target.path;
  return path === prefix ? [{ line, prefix, target }] : [];
}

function passthroughLine(servers: Servers, server: VirtualHost): Directive | undefined {
  const key = 'outlookanywherepassthrough';
  const lines = [
    ...inherited(servers, server, key),
    ...locationsOf(servers, server).flatMap(({ children }) => directivesOf(children, key)),
  ];
  const line = lines.at(-1);
  return line?.words[0]?.text.toLowerCase() === 'on' ? line : undefined;
}

function moveOf(each: Straight, lines: ProxyLine[], sign: string, servers: Servers, server: VirtualHost): Move | Stay {
  const { prefix, line, target } = each;
  const stay = (obstacle: Obstacle): Stay => ({ prefix, line: line.directive, obstacle });
  const talk = backendOf(servers, server, target);
  if (talk.kind === 'dead') return stay({ line: line.directive, reason: talk.reason });
  const odd = [...line.parameters.keys()].find((name) => !HARMLESS_PARAMETERS.has(name));
  if (odd !== undefined) return stay({ line: line.directive, reason: `what ${odd} does, no rule can say` });

  const earlier = before(each, lines);
  if ('reason' in earlier) return stay(earlier);
  const obstacle = obstacleTo(servers, server, prefix);
  if (obstacle !== undefined) return stay(obstacle);

  const sections = locationsOf(servers, server).filter(
    (section) => overlapOf(pathsOf(section), prefix).kind !== 'none',
  );
  const staying = [...earlier.staying];
  for (const section of sections) {
    const overlap = overlapOf(pathsOf(section), prefix);
    if (overlap.kind === 'below' && keepsBelow(section)) staying.push({ prefix: overlap.prefix, line: section });
  }
  const access = accessTo(prefix, target, sections, servers, server);
  if ('reason' in access) return stay(access);
  const covering = sections.filter(
    (section) => overlapOf(pathsOf(section), prefix).kind === 'covers' && !isOtherCase(pathsOf(section), prefix),
  );
  const changes = fieldChanges(
    ['requestheader', 'header'].flatMap((key) => [
      ...inherited(servers, server, key),
      ...covering.flatMap(({ children }) => directivesOf(children, key)),
    ]),
  );
  if (changes.kind === 'unsayable') return stay(changes);
  const reversals = reversalsOf(covering, servers, server);
  return { prefix, line: line.directive, backend: talk.backend, sign, staying, access, changes, reversals };
}

/** Parameters that say how Apache keeps connections, and no more. */
const HARMLESS_PARAMETERS = new Set(
  `retry timeout connectiontimeout keepalive acquire max min smax ttl flushpackets flushwait iobuffersize receivebuffersize
  disablereuse enablereuse nocanon upgrade ping status`.split(/\s+/),
);

/** Lines that Apache asks first: paths below that go elsewhere stay; one that takes all, or may take any, is an obstacle. */
function before({ line, prefix, target }: Straight, lines: ProxyLine[]): { staying: Move['staying'] } | Obstacle {
  const staying: Move['staying'] = [];
  for (const other of lines.slice(0, lines.indexOf(line))) {
    const overlap = overlapOf(other.paths, prefix);
    if (overlap.kind === 'none') continue;
    const isSame = straightLine(other).some((each) => each.target.origin === target.origin);
    if (overlap.kind === 'below') {
      if (!isSame) staying.push({ prefix: overlap.prefix, line: other.directive });
    } else if (overlap.kind === 'covers')
      return { line: other.directive, reason: 'a line that Apache asks first takes it' };
    else return { line: other.directive, reason: 'a pattern that Apache asks first may take some of its paths' };
  }
  return { staying };
}

/** Who may ask, in the order in which a rule would ask it. Two modules have a say; of two that both restrict nothing is made. */
function accessTo(
  prefix: string,
  target: HttpTarget,
  sections: Section[],
  servers: Servers,
  server: VirtualHost,
): Move['access'] | Obstacle {
  const proxies = [servers.main.nodes, server.nodes].flatMap((nodes) =>
    ['proxy', 'proxymatch'].flatMap((key) => sectionsOf(nodes, key)).filter((section) => isForTarget(section, target)),
  );
  const asked: Asked[] = [
    ...proxies.map((section) => ({ section })),
    ...sections.map((section): Asked => {
      const overlap = overlapOf(pathsOf(section), prefix);
      const isUnclear = overlap.kind === 'unclear' || isOtherCase(pathsOf(section), prefix);
      return { section, isUnclear, ...(overlap.kind === 'below' && { below: overlap.prefix }) };
    }),
  ].reverse();
  const [required, ordered] = (['require', 'compat'] as const).map((judge) => accessBy(judge, asked));
  if (required === undefined || ordered === undefined) return [];
  if ('reason' in required) return required;
  if ('reason' in ordered) return ordered;
  if (ordered.every(({ access }) => access.kind === 'open')) return required;
  if (required.every(({ access }) => access.kind === 'open')) return ordered;
  const line = ordered[0]?.access.lines[0];
  return line === undefined ? required : { line, reason: 'both Require and Order lines restrict it' };
}

/** `isUnclear`: a pattern, or the path in another case: to Apache another path, to Exchange the same. */
type Asked = { section: Section; below?: string; isUnclear?: boolean };

/** Of sections the last that says anything decides, behind those for a path below; Proxy sections are asked last. */
function accessBy(judge: Judge, asked: readonly Asked[]): Move['access'] | Obstacle {
  const found: Move['access'] = [];
  for (const { section, below, isUnclear } of asked) {
    const access = accessOf(section, judge);
    if (access === undefined) continue;
    if (access.kind === 'unsayable') return { line: access.line, reason: access.reason };
    if (isUnclear === true)
      return { line: section, reason: 'a section for a pattern, or for another case, says who may ask' };
    found.push({ access, ...(below !== undefined && { below }) });
    // What comes behind one that decides for the whole path is never asked.
    if (below === undefined) break;
  }
  return found;
}

/** Whether a Proxy section may be for this server; a pattern may be for any. */
function isForTarget({ key, words }: Section, { origin }: HttpTarget): boolean {
  const pattern = words[0]?.text.toLowerCase() ?? '';
  if (key === 'proxymatch' || pattern === '*' || /^[*?]/.test(pattern)) return true;
  if (pattern.startsWith('balancer:')) return false;
  const literal = /^[^*?[]*/.exec(pattern)?.[0] ?? '';
  const written = parseTarget(literal);
  return written.kind === 'http' ? written.origin === origin : origin.startsWith(literal);
}
