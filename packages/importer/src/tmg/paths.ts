// Room: path mappings of a publishing rule: outer path to inner path, whole or as a prefix /x/* (SDK, FPCPathMapping). Pure.
import { isOn, type TmgRecord } from './records.ts';
import { childOf, everyElement } from './xml.ts';

export type Mapping = { external: string; internal: string };

const PATH = /^\/[!-~]*$/;

/** Undefined where a path is none. Without mappings every path goes as it is. */
export function mappingsOf({ element }: TmgRecord): Mapping[] | undefined {
  const found = [...everyElement(element)]
    .filter(({ name }) => name === 'PathMapping')
    .map((each) => {
      const external = childOf(each, 'ExternalPath')?.text ?? '';
      const internal = childOf(each, 'InternalPath')?.text ?? '';
      const isSame = isOn(childOf(each, 'SameAsInternalPath')?.text ?? '') || internal === '' || external === '';
      return { external: external || internal, internal: isSame ? external || internal : internal };
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
