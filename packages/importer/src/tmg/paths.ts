// Room: path mappings of a publishing rule: outer path to inner path, whole or as a prefix /x/* (SDK, FPCPathMapping); the wizard for
// SharePoint writes /x* too. Pure.
import type { Condition } from '@outrigger/rules';
import { isOn, type TmgRecord } from './records.ts';
import { childOf, everyElement, type XmlElement } from './xml.ts';

export type Mapping = { external: string; internal: string };

/** A path, and a star at its end where it is a prefix. */
const PATH = /^\/(?:[!-)+-~]*\*?)$/;

export function mappingElements({ element }: TmgRecord): XmlElement[] {
  return [...everyElement(element)].filter(({ name }) => name === 'PathMapping');
}

/**
 * Undefined where a path is none, or absent and not said to be the same as the other, or mapped to one of another kind. Without mappings,
 * every path as it is. Of several that hold, TMG takes the nearest: it goes first.
 */
export function mappingsOf(rule: TmgRecord): Mapping[] | undefined {
  const found = mappingElements(rule).map((each) => {
    const external = childOf(each, 'ExternalPath')?.text ?? '';
    const internal = childOf(each, 'InternalPath')?.text ?? '';
    if (!isOn(childOf(each, 'SameAsInternalPath')?.text ?? '')) return { external, internal };
    return { external: external || internal, internal: external || internal };
  });
  const isRead = ({ external, internal }: Mapping): boolean =>
    PATH.test(external) &&
    PATH.test(internal) &&
    (external === internal ||
      (isSegments(external) === isSegments(internal) && !isLetters(external) && !isLetters(internal)));
  if (!found.every(isRead)) return undefined;
  return found.length === 0 ? [{ external: '/*', internal: '/*' }] : nearestFirst(found);
}

/** As they stand, but each in front of those whose paths hold all of its own. */
function nearestFirst(mappings: readonly Mapping[]): Mapping[] {
  const ordered: Mapping[] = [];
  for (const mapping of mappings) {
    const wider = ordered.findIndex(
      ({ external }) => isPrefix(external) && startsWith(mapping.external, prefixOf(external)),
    );
    ordered.splice(wider === -1 ? ordered.length : wider, 0, mapping);
  }
  return ordered;
}

function startsWith(path: string, prefix: string): boolean {
  return path.toLowerCase().startsWith(prefix.replace(/\*$/, '').toLowerCase());
}

function isPrefix(path: string): boolean {
  return path.endsWith('*');
}

/** A prefix of whole segments. */
function isSegments(path: string): boolean {
  return path.endsWith('/*');
}

/** A prefix that ends inside a segment. */
function isLetters(path: string): boolean {
  return isPrefix(path) && !isSegments(path);
}

export function prefixOf(path: string): string {
  return path.replace(/\/\*$/, '') || '/';
}

type PathCondition = ({ prefix: string } | { exact: string } | { regex: string }) & { ignoreCase: true };

export function pathCondition(path: string): PathCondition {
  if (isSegments(path)) return { prefix: prefixOf(path), ignoreCase: true };
  if (isLetters(path))
    return { regex: `^${path.slice(0, -1).replace(/[$()*+.?[\\\]^{|}]/g, '\\$&')}`, ignoreCase: true };
  return { exact: path, ignoreCase: true };
}

/** Requests for one of the outer paths; none are meant where every path is among them, or none at all. */
export function pathsCondition(mappings: readonly Mapping[]): Condition {
  const paths = mappings.map(({ external }) => external);
  return paths.length === 0 || paths.includes('/*') ? {} : { path: paths.map(pathCondition) };
}
