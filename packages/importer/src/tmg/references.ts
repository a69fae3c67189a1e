// Room: references of an export: what a list names, and what of it is an exception. Found by StorageName. Pure.
import { childOf, type XmlElement } from './xml.ts';

/** `id`: the StorageName of what is meant, or its name where the list holds plain texts. */
export type Reference = { id: string; isText: boolean; isExcluded: boolean };

/** Elements by StorageName. */
export type Named = ReadonlyMap<string, XmlElement>;

/** Value of IncludeStatus, and its default (SDK, FpcIncludeStatus). */
const INCLUDED = '0';

/** Everything the list holds, in its order. An exception is a Ref with another IncludeStatus, or below a list called so. */
export function referencesOf(list: XmlElement): Reference[] {
  const found: Reference[] = [];
  const read = (element: XmlElement, isInExceptions: boolean): void => {
    const isExcluded = isInExceptions || /exce|exclu/i.test(`${element.name} ${element.id}`);
    if (element.name === 'Ref') {
      const status = childOf(element, 'IncludeStatus')?.text ?? INCLUDED;
      const id = childOf(element, 'Name')?.text ?? '';
      found.push({ id, isText: false, isExcluded: isExcluded || status !== INCLUDED });
      return;
    }
    if (element.children.length === 0 && element.text !== '')
      found.push({ id: element.text, isText: true, isExcluded });
    for (const child of element.children) if (!BESIDE.has(child.name)) read(child, isExcluded);
  };
  read(list, false);
  return found;
}

/** What says how a list is kept, and not what is in it. */
const BESIDE = new Set(['RefClass', 'StorageType', 'Guid', 'Scope', 'Name']);

/** The name a person gave it; the reference itself where it is not in the export. */
export function nameOf(named: Named, { id }: Reference): string {
  return childOf(named.get(id), 'Name')?.text ?? id;
}
