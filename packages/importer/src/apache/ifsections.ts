// Room: what If, ElseIf and Else sections do with requests under a path that moves: they stay with Apache, where its expression can be
// said. Errs towards staying. Pure. Source: server/request.c ap_if_walk (AP-104).
import type { Condition } from '@outrigger/rules';
import { allSaid, expressionSaid, notSaid } from './expression.ts';
import type { Obstacle, Staying } from './obstacles.ts';
import type { ConfigNode, Section } from './tree.ts';
import type { About, Said } from './variablesaid.ts';

const KEYS = new Set(['if', 'elseif', 'else']);

/** True for a section that holds for what an expression says. */
export function isIfSection(node: ConfigNode): node is Section {
  return node.kind === 'section' && KEYS.has(node.key);
}

/**
 * What sections among `nodes` keep with Apache of the requests that `about` is under. `hasEffect`: whether a node in one matters at
 * all. `isEverywhere`: they hold for other paths as well.
 */
export function ifHindrances(
  nodes: readonly ConfigNode[],
  about: About & { under: string },
  hasEffect: (node: ConfigNode) => boolean,
  isEverywhere: boolean,
): (Staying | Obstacle)[] {
  const found: (Staying | Obstacle)[] = [];
  let before: Said[] = [];
  for (const section of nodes.filter(isIfSection)) {
    if (section.key === 'if') before = [];
    const own: Said = section.key === 'else' ? { kind: 'always' } : expressionSaid(section.words[0]?.text ?? '', about);
    const said = allSaid([...before.map(notSaid), own]);
    before.push(own);
    if (said.kind === 'never' || !section.children.some(hasEffect)) continue;
    found.push(said.kind === 'when' ? stayingOf(section, said.when, about.under, isEverywhere) : obstacleOf(section));
  }
  return found;
}

function stayingOf(line: Section, when: Condition, under: string, isEverywhere: boolean): Staying {
  const isRoot = under.replace(/\/$/, '') === '';
  const terms = when.all !== undefined && Object.keys(when).length === 1 ? when.all : [when];
  const where = isRoot ? when : { all: [{ path: [{ prefix: under, ignoreCase: true }] }, ...terms] };
  return { where, line, ...(isEverywhere && { everywhere: when }) };
}

function obstacleOf(line: Section): Obstacle {
  return { line, reason: 'an If section may say otherwise for some requests' };
}
