// Room: who may ask for a path that moves, as Apache's sections say it together. Pure.
import { type Access, accessOf, type Judge } from './access.ts';
import { nameOf, type ServerTarget } from './leads.ts';
import type { Obstacle } from './obstacles.ts';
import { isOtherCase, overlapOf } from './overlap.ts';
import { pathsOf } from './proxypass.ts';
import type { Servers, VirtualHost } from './servers.ts';
import { parseTarget } from './target.ts';
import { type Section, sectionsOf } from './tree.ts';

/** What a rule can say of access. */
export type SaidAccess = Exclude<Access, { kind: 'unsayable' }>;

/** Who may ask: of a list the first that holds decides. `below`: for a path below alone. */
export type MoveAccess = { below?: string; access: SaidAccess };

/** Who may ask, in the order in which a rule would ask it. Two modules have a say; of two that both restrict nothing is made. */
export function accessTo(
  prefix: string,
  target: ServerTarget,
  sections: Section[],
  servers: Servers,
  server: VirtualHost,
): MoveAccess[] | Obstacle {
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
function accessBy(judge: Judge, asked: readonly Asked[]): MoveAccess[] | Obstacle {
  const found: MoveAccess[] = [];
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
function isForTarget({ key, words }: Section, target: ServerTarget): boolean {
  const pattern = words[0]?.text.toLowerCase() ?? '';
  if (key === 'proxymatch' || pattern === '*' || /^[*?]/.test(pattern)) return true;
  if (target.kind === 'balancer') return nameOf(target).startsWith(pattern.replace(/[/*]+$/, ''));
  if (pattern.startsWith('balancer:')) return false;
  const { origin } = target;
  const literal = /^[^*?[]*/.exec(pattern)?.[0] ?? '';
  const written = parseTarget(literal);
  return written.kind === 'http' ? written.origin === origin : origin.startsWith(literal);
}
