// Room: path mappings of a publishing rule: outer path to inner path, whole or as a prefix /x/* (SDK, FPCPathMapping). Pure.
import { isOn, type TmgRecord } from './records.ts';
import { childOf, everyElement, type XmlElement } from './xml.ts';

export type Mapping = { external: string; internal: string };

const PATH = /^\/[!-~]*$/;

export function mappingElements({ element }: TmgRecord): XmlElement[] {
  return [...everyElement(element)].filter(({ name }) => name === 'PathMapping');
}

/** Undefined where a path is none, or absent and not said to be the same as the other. Without mappings, every path as it is. */
export function mappingsOf(rule: TmgRecord): Mapping[] | undefined {
  const found = mappingElements(rule).map((each) => {
    const external = childOf(each, 'ExternalPath')?.text ?? '';
    const internal = childOf(each, 'InternalPath')?.text ?? '';
    if (!isOn(childOf(each, 'SameAsInternalPath')?.text ?? '')) return { external, internal };
    return { external: external || internal, internal: external || internal };
  });
  const isRead = ({ external, internal }: Mapping): boolean =>
    [external, internal].every(
      (path) => PATH.test(path) && !path.slice(0, -1).includes('*') && /(?:\/|[^*])\*?$/.test(path),
    ) &&
    [external, internal].every((path) => !path.endsWith('*') || path.endsWith('/*')) &&
    external.endsWith('/*') === internal.endsWith('/*');
  if (!found.every(isRead)) return undefined;
  return found.length === 0 ? [{ external: '/*', internal: '/*' }] : found;
}

export function prefixOf(path: string): string {
  return path.replace(/\/\*$/, '') || '/';
}

export function pathCondition(
  path: string,
): { prefix: string; ignoreCase: true } | { exact: string; ignoreCase: true } {
  return path.endsWith('/*') ? { prefix: prefixOf(path), ignoreCase: true } : { exact: path, ignoreCase: true };
}
