// Room: which paths of a virtual host move to Outrigger: those of Exchange, or all that are proxied, where Apache would surely send their
// requests to the same server under the path that a rule makes. All others stay with Apache, which does what it always did. Pure.
import type { Condition, PathCondition, Rewrite } from '@outrigger/rules';
import { type BackendKind, type BackendRead, backendOf } from './backend.ts';
import { exchangePath, exchangeSign } from './exchange.ts';
import { type FieldChanges, fieldChanges } from './fieldchanges.ts';
import { type Lead, type Leads, leadsOf, nameOf } from './leads.ts';
import { accessTo, type MoveAccess } from './moveaccess.ts';
import { hindranceOf, type Obstacle, type Staying } from './obstacles.ts';
import { isUnder, overlapOf } from './overlap.ts';
import { type PathSection, sectionsOfPath, wholeSections } from './pathsections.ts';
import { patternStays } from './patternstays.ts';
import { locationsOf, type ProxyLine } from './proxypass.ts';
import { reversalsOf } from './reversals.ts';
import type { Servers, VirtualHost } from './servers.ts';
import { inherited } from './settings.ts';
import { type Directive, directivesOf } from './tree.ts';

/** What is to move: paths of Exchange alone, or everything that is proxied. */
export type Lift = 'exchange' | 'all';

/** One path that moves. */
export type Move = {
  prefix: string;
  /** What stands in its place in the URL that a request goes to, as the line writes it. */
  url: string;
  line: Directive;
  read: Extract<BackendRead, { kind: 'backend' }>;
  /** Sections that have a say on its requests, in the order in which Apache merges them. */
  sections: PathSection[];
  /** Why the server is taken for Exchange; undefined where it is not. */
  sign?: string;
  /** Its paths as a route names them; absent for all. */
  path?: PathCondition[];
  /** What must hold besides. */
  when: Condition;
  /** Requests under it that stay with Apache, and the lines that say so. */
  staying: Staying[];
  access: MoveAccess[];
  changes: Extract<FieldChanges, { kind: 'changes' }>;
  /** No line of Apache says it. */
  isAdded?: true;
  rewrite?: Rewrite;
};

/** A path that stays, and why. `isExchange`: RPC does not pass there. `hint`: what to do about it, where it is not the usual. */
export type Stay = { prefix?: string; line: Directive; obstacle: Obstacle; isExchange: boolean; hint?: string };

/** A line whose path moves with that of a line asked before: the same in another case, or one below. */
export type Twin = { line: Directive; of: Directive };

export type Moves = { moves: Move[]; stays: Stay[]; twins: Twin[] };

/** What moves of a virtual host, in the order in which Apache asks its lines. */
export function findMoves(servers: Servers, server: VirtualHost, lift: Lift): Moves {
  const all = leadsOf(servers, server);
  const passthrough = passthroughLine(servers, server);
  const result: Moves = { moves: [], stays: [], twins: [] };
  const signOf = (name: string): string | undefined => {
    const own = all.leads.filter(({ target }) => nameOf(target) === name);
    const paths = own.flatMap(({ prefix, target, line }) =>
      [prefix, target.path].map((path) => ({ prefix: path, directive: line })),
    );
    return exchangeSign(paths, passthrough);
  };
  for (const lead of all.leads) {
    const sign = signOf(nameOf(lead.target));
    const isExchange = sign !== undefined && isOfExchange(lead);
    if (!isExchange && lift === 'exchange') {
      if (sign === undefined) continue;
      result.stays.push({ ...stayOf(lead, 'it is no path of Exchange'), isExchange: false });
      continue;
    }
    const twin = result.moves.find((move) => isTwin(lead, move));
    if (twin !== undefined) {
      if (twin.line !== lead.line) result.twins.push({ line: lead.line, of: twin.line });
      continue;
    }
    const move = moveOf(lead, all, isExchange ? sign : undefined, servers, server, result.moves);
    if ('obstacle' in move) result.stays.push(move);
    else result.moves.push(move);
  }
  for (const { line, origin, reason } of all.unread) {
    const isExchange = signOf(origin) !== undefined;
    if (isExchange || lift === 'all') result.stays.push({ line, obstacle: { line, reason }, isExchange });
  }
  return result;
}

function stayOf({ prefix, line }: Lead, reason: string): Omit<Stay, 'isExchange'> {
  return { prefix, line, obstacle: { line, reason } };
}

function isOfExchange({ prefix, target }: Lead): boolean {
  return prefix === '/' || [prefix, target.path].some((path) => exchangePath(path) !== undefined);
}

/** Whether a move takes the paths of a lead, too, and sends them where the lead would. */
function isTwin({ prefix, target, when }: Lead, move: Move): boolean {
  if (move.read.backend.name !== nameOf(target) || Object.keys(move.when).length + Object.keys(when).length > 0)
    return false;
  if (move.staying.some((each) => isAbout(each, (path) => isUnder(prefix, path)))) return false;
  if (!isInAnyCase(move)) return prefix === move.prefix;
  return isUnder(prefix, move.prefix) && prefix.toLowerCase() === target.path.toLowerCase();
}

/** Whether a move takes its path as Exchange reads it. */
function isInAnyCase({ sign, rewrite }: Move): boolean {
  return sign !== undefined && rewrite?.path === undefined;
}

/** Whether requests stay for nothing but a path of which `isOne` holds. */
function isAbout({ where: { path, ...more } }: Staying, isOne: (prefix: string) => boolean): boolean {
  return Object.keys(more).length === 0 && path?.some((each) => 'prefix' in each && isOne(each.prefix)) === true;
}

/** Whether requests that a section keeps have moved by a line of their own. */
function haveMoved(staying: Staying, moved: readonly Move[]): boolean {
  return moved.some(
    (move) =>
      isInAnyCase(move) && Object.keys(move.when).length === 0 && isAbout(staying, (path) => path === move.prefix),
  );
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

function moveOf(
  lead: Lead,
  all: Leads,
  sign: string | undefined,
  servers: Servers,
  server: VirtualHost,
  moved: readonly Move[],
): Move | Stay {
  const { prefix, line, target, url, parameters, when, place } = lead;
  const kind: BackendKind = sign === undefined ? 'plain' : 'exchange';
  const stay = (obstacle: Obstacle): Stay => ({ prefix, line, obstacle, isExchange: kind === 'exchange' });
  const map = mapOf(lead, kind);
  if (map === 'unsayable') return stay({ line, reason: 'its slashes do not agree with those of its target' });
  const odd = [...parameters.keys()].find((name) => !isKnownParameter(name, target.kind === 'balancer'));
  if (odd !== undefined) return stay({ line, reason: `what ${odd} does, no rule can say` });
  const sections = sectionsOfPath(servers, server, prefix, url);
  const whole = wholeSections(sections);
  const read = backendOf(servers, server, whole, target, kind, parameters);
  if (read.kind === 'dead') return stay({ line, reason: read.reason });
  const earlier = before(lead, all, moved);
  if ('reason' in earlier) return stay(earlier);
  const rules = 'rule' in place ? all.rules.slice(0, all.rules.indexOf(place.rule)) : all.rules;
  const { backend } = read;
  const hindrance = hindranceOf(servers, server, { prefix, sections, rules, backend, isSite: kind === 'plain' });
  if (hindrance.kind === 'obstacle') return stay(hindrance.obstacle);

  const apart = new Set(hindrance.staying.map((each) => each.line));
  const held = sections.filter(({ section }) => !apart.has(section));
  const access = accessTo(held, servers, server);
  if ('reason' in access) return stay(access);
  const changes = fieldChanges(
    ['requestheader', 'header']
      .flatMap((key) => inherited(servers, server, key, whole))
      .filter(({ rest }) => read.balancer === undefined || !/BALANCER_ROUTE_CHANGED/.test(rest)),
    backend.host === undefined,
  );
  if (changes.kind === 'unsayable') return stay(changes);
  const rewrite: Rewrite = {
    ...(map !== undefined && { path: map }),
    ...reversalsOf(whole, { servers, server, backend }),
  };
  const path = pathsOfMove(prefix, kind, map !== undefined);
  return {
    prefix,
    url,
    line,
    read,
    sections,
    ...(sign !== undefined && { sign }),
    ...(path !== undefined && { path }),
    when,
    staying: distinct([
      ...earlier.staying,
      ...hindrance.staying.filter((each) => !haveMoved(each, moved)),
      ...('rule' in place ? refusedByRule(lead, place.rule.line) : []),
    ]),
    access,
    changes,
    ...(Object.keys(rewrite).length > 0 && { rewrite }),
  };
}

function distinct(staying: readonly Staying[]): Staying[] {
  return [...new Map(staying.map((each) => [JSON.stringify(each.where), each])).values()];
}

/** How the path changes: not at all, or in case alone, which Exchange ignores; by a map; or as no map does (AP-56). */
function mapOf({ prefix, target }: Lead, kind: BackendKind): NonNullable<Rewrite['path']> | 'unsayable' | undefined {
  const to = target.path;
  const isSame = kind === 'exchange' ? to.toLowerCase() === prefix.toLowerCase() : to === prefix;
  if (isSame) return undefined;
  if (to === '') return prefix.endsWith('/') ? 'unsayable' : { from: prefix, to: '/' };
  return prefix.endsWith('/') === to.endsWith('/') ? { from: prefix, to } : 'unsayable';
}

/** Paths of a route: of Exchange in any case and spelling; of others, and where they are mapped, exactly those of Apache. */
function pathsOfMove(prefix: string, kind: BackendKind, isMapped: boolean): PathCondition[] | undefined {
  if (prefix === '/') return undefined;
  if (kind === 'exchange' && !isMapped) return [{ prefix }];
  const written = kind === 'exchange' ? { ignoreCase: false } : {};
  return prefix.endsWith('/')
    ? [{ prefix, ...written }]
    : [
        { exact: prefix, ...written },
        { prefix: `${prefix}/`, ...written },
      ];
}

/** [P] refuses an escaped `?` in what it puts into the URL, since 2.4.60 (AP-78): so it does still. */
function refusedByRule({ prefix }: Lead, line: Directive): Staying[] {
  const stays = patternStays('\\?', prefix, false);
  return stays === undefined || /UnsafeAllow3F/i.test(line.rest) ? [] : [{ ...stays, line }];
}

/** Parameters that say how Apache keeps connections, or that are looked at elsewhere. */
const PARAMETERS = new Set(
  `retry timeout connectiontimeout keepalive acquire max min smax ttl flushpackets flushwait iobuffersize receivebuffersize
  disablereuse enablereuse nocanon upgrade ping status`.split(/\s+/),
);
const BALANCER_PARAMETERS = new Set(
  `lbmethod stickysession stickysessionsep scolonpathdelim nofailover failonstatus failontimeout maxattempts growth nonce
  forcerecovery`.split(/\s+/),
);

function isKnownParameter(name: string, isBalancer: boolean): boolean {
  return PARAMETERS.has(name) || (isBalancer && BALANCER_PARAMETERS.has(name));
}

/** Lines that Apache asks first: what they take stays; one that takes all is an obstacle. */
function before(lead: Lead, { lines, leads }: Leads, moved: readonly Move[]): { staying: Staying[] } | Obstacle {
  const staying: Staying[] = [];
  const behind = 'rule' in lead.place ? 0 : lead.place.lines;
  for (const [index, other] of lines.entries()) {
    if (index >= behind && !(isAskedFirst(other) && other.directive !== lead.line)) continue;
    const found = takenBefore(other, lead, leads, moved);
    if (found === undefined) continue;
    if ('reason' in found) return found;
    staying.push(found);
  }
  return { staying };
}

/** `mapping=`: the line is asked before all others and before all rewriting, with the path as the client wrote it (AP-73). */
function isAskedFirst({ parameters }: ProxyLine): boolean {
  return parameters.has('mapping');
}

/** Whether a path goes on as it is, but for its case. */
function keepsPath({ prefix, target }: Lead): boolean {
  return prefix.toLowerCase() === target.path.toLowerCase();
}

function takenBefore(
  other: ProxyLine,
  lead: Lead,
  leads: readonly Lead[],
  moved: readonly Move[],
): Staying | Obstacle | undefined {
  const line = other.directive;
  const { prefix } = lead;
  const overlap = overlapOf(other.paths, prefix);
  if (overlap.kind === 'none') return undefined;
  if (overlap.kind === 'covers') return { line, reason: 'a line that Apache asks first takes it' };
  if (overlap.kind === 'below') {
    const isSame = leads.some(
      (each) => each.line === line && nameOf(each.target) === nameOf(lead.target) && keepsPath(each) && keepsPath(lead),
    );
    const isMoved = moved.some(
      (each) => each.line === line && each.prefix === overlap.prefix && Object.keys(each.when).length === 0,
    );
    return isSame || isMoved ? undefined : { where: { path: [{ prefix: overlap.prefix, ignoreCase: true }] }, line };
  }
  const stays = other.paths.kind === 'pattern' ? patternStays(other.paths.pattern, prefix, false) : undefined;
  return stays === undefined
    ? { line, reason: 'a pattern that Apache asks first may take some of its paths' }
    : { ...stays, line };
}
