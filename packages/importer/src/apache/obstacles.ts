// Room: what else Apache does on a path that a rule would not do: the reason why the path must stay with Apache, whole or in part. What
// each line does stands in effects.ts. Errs towards staying: a path that stays is served as ever. Pure.
import type { Condition } from '@outrigger/rules';
import type { Backend } from './backend.ts';
import { knownDirective } from './directives.ts';
import { type Effect, effectOf, isNamed } from './effects.ts';
import { ifHindrances, isIfSection } from './ifsections.ts';
import { mayMatchUnder } from './overlap.ts';
import { heldLines, type PathSection, wholeSections } from './pathsections.ts';
import { patternStays } from './patternstays.ts';
import { locationsOf, pathsOf } from './proxypass.ts';
import { reversesMore } from './reversals.ts';
import { rewritingHindrances } from './rewritehindrance.ts';
import type { Rule } from './rewriterules.ts';
import type { Server, Servers } from './servers.ts';
import { inherited } from './settings.ts';
import type { ConfigNode, Section } from './tree.ts';

/** The line that keeps a path with Apache. `reason` ends a sentence about the path. */
export type Obstacle = { line: ConfigNode; reason: string };

/**
 * Requests under a prefix that stay with Apache all the same: `where` beside the condition of their virtual host. `everywhere`: what
 * keeps them, where it does so under any other prefix, too.
 */
export type Staying = { where: Condition; line: ConfigNode; everywhere?: Condition };

/** What keeps a path with Apache, whole or in part. `line`: sections of those parts, whose other lines need no look. */
export type Hindrance = { kind: 'obstacle'; obstacle: Obstacle } | { kind: 'staying'; staying: Staying[] };

/** A path that may move; `isSite`: not Exchange's, so that more keeps it. `rules`: the rewriting rules that Apache asks first. */
export type Asked = {
  prefix: string;
  sections: readonly PathSection[];
  rules: readonly Rule[];
  backend: Backend;
  isSite: boolean;
};

/** What Apache does on a path that a rule would not do. */
export function hindranceOf(servers: Servers, server: Server, asked: Asked): Hindrance {
  const { prefix, sections, rules, backend, isSite } = asked;
  const whole = wholeSections(sections);
  const obstacle =
    heldObstacle(servers, server, whole, isSite) ?? (isSite ? slashObstacle(servers, server) : undefined);
  if (obstacle !== undefined) return { kind: 'obstacle', obstacle };
  const staying: Staying[] = [];
  const partial = sections.filter(({ reach }) => reach.kind !== 'whole');
  const about = { servers, server, isWide: true, under: prefix };
  const matters = (node: ConfigNode): boolean => doesSomething(node, isSite);
  const found = [
    ...rewritingHindrances(rules, prefix, servers, server),
    ...ifHindrances([...servers.main.nodes, ...server.nodes], about, matters, true),
    ...whole.flatMap(({ children }) => ifHindrances(children, about, matters, false)),
    ...partial.map((each) =>
      partHindrance(each, asked, (section) => reversesMore(section, whole, { servers, server, backend }), whole),
    ),
  ];
  for (const each of found) {
    if (each === undefined) continue;
    if ('reason' in each) return { kind: 'obstacle', obstacle: each };
    if (!staying.some(({ where }) => JSON.stringify(where) === JSON.stringify(each.where))) staying.push(each);
  }
  return { kind: 'staying', staying };
}

/** How a login is asked for: where Require says who may ask, and asks for no user, nobody is asked for one. */
const LOGIN = new Set(['authtype', 'authbasicprovider']);
const REQUIRES = new Set(['require', 'requireall', 'requireany', 'requirenone']);

/** A line of the server, or of a section for the whole path, that no rule can do. */
function heldObstacle(
  servers: Servers,
  server: Server,
  whole: readonly Section[],
  isSite: boolean,
): Obstacle | undefined {
  const mayInclude = allowsIncludes(servers, server);
  const saysWho = whole.some(({ children }) => children.some(({ key }) => REQUIRES.has(key)));
  for (const { line, isInside } of heldLines(servers, server, whole)) {
    const isLookedAt = isIfSection(line) || (LOGIN.has(line.key) && saysWho);
    if (isLookedAt || (!isInside && !mayInclude && isInclusion(line))) continue;
    const reason = isInside ? reasonInside(line, isSite) : reasonOf(effectOf(line, 'server'), isSite);
    if (reason !== undefined) return { line, reason };
  }
  return undefined;
}

function reasonOf(effect: Effect | undefined, isSite: boolean): string | undefined {
  if (effect?.kind === 'stays') return effect.reason;
  return effect?.kind === 'otherwise' && isSite ? effect.sites : undefined;
}

/** In a section also what is no part of httpd: nobody knows what it does there. */
function reasonInside(line: ConfigNode, isSite: boolean): string | undefined {
  const effect = effectOf(line, 'section');
  const isForeign = !isNamed(line) && (line.kind === 'section' || knownDirective(line.name) === undefined);
  return isForeign ? `what ${line.name} does there, no rule can say` : reasonOf(effect, isSite);
}

/** Whether a line in a section for some requests makes them others: what a rule says of a whole path, too. */
function doesSomething(line: ConfigNode, isSite: boolean): boolean {
  const kind = effectOf(line, 'section')?.kind;
  return reasonInside(line, isSite) !== undefined || kind === 'carried' || kind === 'access' || kind === 'mapping';
}

/** Slashes that are more than one between two segments: a rule reads them as Exchange does. */
function slashObstacle(servers: Servers, server: Server): Obstacle | undefined {
  const slashes = inherited(servers, server, 'allowencodedslashes').at(-1);
  if (slashes !== undefined && slashes.words[0]?.text.toLowerCase() !== 'off')
    return { line: slashes, reason: 'encoded slashes mean something there' };
  const merges = inherited(servers, server, 'mergeslashes').at(-1);
  return merges !== undefined && merges.words[0]?.text.toLowerCase() === 'off'
    ? { line: merges, reason: 'slashes beside each other mean something there' }
    : undefined;
}

/** `AddOutputFilter INCLUDES .shtml`, as distributions ship it: a filter that steps aside unless Options allow it. */
function isInclusion({ key, words }: ConfigNode): boolean {
  return key === 'addoutputfilter' && words[0]?.text.toLowerCase() === 'includes';
}

/** Whether Options of the server or of a Location, the only ones that hold for what is proxied, allow server-side includes. */
function allowsIncludes(servers: Servers, server: Server): boolean {
  const lines = inherited(servers, server, 'options', locationsOf(servers, server));
  return lines.some(({ words }) => words.some(({ text }) => /^\+?(?:includes|includesnoexec|all)$/i.test(text)));
}

/** What a section for a part of the path does there, or for the same path in another case. */
function partHindrance(
  { section, reach }: PathSection,
  { prefix, isSite }: Asked,
  reverses: (section: Section) => boolean,
  whole: readonly Section[],
): Staying | Obstacle | undefined {
  const saysMore = (node: ConfigNode): boolean =>
    reasonInside(node, isSite) !== undefined || isSentOn(node) || node.key.startsWith('limit');
  const isMore = section.children.some(saysMore) || reverses(section);
  if (reach.kind === 'below') {
    return isMore ? { where: { path: [{ prefix: reach.prefix, ignoreCase: true }] }, line: section } : undefined;
  }
  if (reach.kind === 'some') {
    if (!isMore && !section.children.some((node) => effectOf(node, 'section')?.kind === 'access')) return undefined;
    const pattern = patternOf(section);
    if (pattern !== undefined && !mayMatchUnder(pattern, prefix)) return undefined;
    const stays = pattern === undefined ? undefined : patternStays(pattern, prefix, false);
    return stays === undefined
      ? { line: section, reason: 'a section for a pattern may hold some of its paths' }
      : { ...stays, line: section };
  }
  const line = section.children.find((node) => reasonInside(node, isSite) !== undefined);
  if (line !== undefined) return { line, reason: reasonInside(line, isSite) ?? '' };
  const isSaidTwice = whole.some((other) => saidIn(other) === saidIn(section));
  return isMore && !isSaidTwice
    ? { line: section, reason: 'a section for another case of it says what is sent on' }
    : undefined;
}

/** Whether a line says what is sent on, and how: of a whole path a rule does, in a section for some of its requests it keeps those. */
function isSentOn({ key }: ConfigNode): boolean {
  return /^(?:header|requestheader|proxypreservehost|sslproxy.*)$/.test(key);
}

/** The lines of a section that say what is sent on, as one text. */
function saidIn({ children }: Section): string {
  return children
    .filter(isSentOn)
    .map(({ key, words }) => [key, ...words.map(({ text }) => text)].join(' '))
    .join('\n');
}

/** The expression a section is for, that of its wildcards among them: they stop at slashes. Undefined for sets. */
function patternOf(section: Section): string | undefined {
  if (section.key.startsWith('proxy')) return undefined;
  const paths = pathsOf(section);
  if (paths.kind === 'pattern') return paths.pattern;
  const [first = ''] = section.words.map(({ text }) => text);
  if (paths.kind === 'prefix' || /[[\]\\]/.test(first)) return undefined;
  const regex = first
    .replace(/[$^.+(){}|]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  return `^${regex}$`;
}
