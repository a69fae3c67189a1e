// Room: who may ask for a path that moves, as Apache's sections say it together. Pure.
import { type Access, accessOf, type Judge } from './access.ts';
import type { Obstacle } from './obstacles.ts';
import type { PathSection } from './pathsections.ts';
import type { Server, Servers } from './servers.ts';
import type { Section } from './tree.ts';
import type { About } from './variablesaid.ts';

/** What a rule can say of access. */
export type SaidAccess = Exclude<Access, { kind: 'unsayable' }>;

/** Who may ask: of a list the first that holds decides. `below`: for a path below alone. */
export type MoveAccess = { below?: string; access: SaidAccess };

/** Who may ask, in the order in which a rule would ask it. Two modules have a say; of two that both restrict nothing is made. */
export function accessTo(sections: readonly PathSection[], servers: Servers, server: Server): MoveAccess[] | Obstacle {
  const about = { servers, server, isWide: false };
  const asked = sections.map(({ section, reach }): Asked => {
    const isUnclear = reach.kind === 'some' || reach.kind === 'otherCase';
    return reach.kind === 'below'
      ? { section, isUnclear: reach.isOtherCase, below: reach.prefix }
      : { section, isUnclear };
  });
  asked.reverse();
  const [required, ordered] = (['require', 'compat'] as const).map((judge) => accessBy(judge, asked, about));
  if (required === undefined || ordered === undefined) return [];
  if ('reason' in required) return required;
  if ('reason' in ordered) return ordered;
  if (ordered.every(({ access }) => access.kind === 'open')) return required;
  if (required.every(({ access }) => access.kind === 'open')) return ordered;
  const line = ordered[0]?.access.lines[0];
  return line === undefined ? required : { line, reason: 'both Require and Order lines restrict it' };
}

/** `isUnclear`: a pattern, or the path in another case: to Apache another path, to Exchange the same. */
type Asked = { section: Section; below?: string; isUnclear: boolean };

/** Of sections the last that says anything decides, behind those for a path below; Proxy sections are asked last. */
function accessBy(judge: Judge, asked: readonly Asked[], about: About): MoveAccess[] | Obstacle {
  const found: MoveAccess[] = [];
  for (const { section, below, isUnclear } of asked) {
    const access = accessOf(section, judge, about);
    if (access === undefined) continue;
    if (access.kind === 'unsayable') return { line: access.line, reason: access.reason };
    if (isUnclear) return { line: section, reason: 'a section for a pattern, or for another case, says who may ask' };
    found.push({ access, ...(below !== undefined && { below }) });
    // What comes behind one that decides for the whole path is never asked.
    if (below === undefined) break;
  }
  return found;
}
