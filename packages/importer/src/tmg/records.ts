// Room: what an export holds, as plain records: web listeners, rules in their order, names of what they refer to. Each element that
// counts has its entry in the ledger; what the table of properties says of it is said here. Pure.
import type { SourceRef } from '@outrigger/rules';
import { type Ledger, type LedgerEntry, remark } from '../ledger.ts';
import type { Redactor } from '../redact.ts';
import { PROPERTIES } from './properties.ts';
import { childOf, everyElement, type XmlElement } from './xml.ts';

/** A listener or a rule with its properties, each of which is entered. */
export type TmgRecord = {
  element: XmlElement;
  name: string;
  at: SourceRef;
  entry: LedgerEntry;
  properties: Property[];
  /** Why more would get in if the rule were carried, a clause each: what cannot be said, and what is absent. */
  bars: string[];
};
export type Property = { element: XmlElement; entry: LedgerEntry; at: SourceRef; values: string[]; refs: string[] };

export type Export = { listeners: TmgRecord[]; rules: TmgRecord[]; named: ReadonlyMap<string, XmlElement> };

/** Characters of a property in a report. */
const DISPLAY_MAX = 88;
/** Elements below these names are one property: values in lists, references. */
const WHOLE = new Set([
  'PublicNames',
  'SelectionIPs',
  'UserSets',
  'WebListenerUsed',
  'AuthenticationSchemes',
  'AppliedSSLCertificates',
  'IPAddresses',
  'AllowedMethods',
  'ServerFarm',
  'LinkTranslationDictionary',
  'ScheduleUsed',
]);
/** What says how a list is kept, and not what is in it. */
const BESIDE_VALUES = new Set(['RefClass', 'StorageType', 'Guid']);

export function readExport(root: XmlElement, file: string, ledger: Ledger, redactor: Redactor): Export {
  const named = new Map<string, XmlElement>();
  const listeners: TmgRecord[] = [];
  const rules: TmgRecord[] = [];
  for (const element of everyElement(root)) {
    if (element.id !== '' && !named.has(element.id)) named.set(element.id, element);
    if (element.name === 'WebListener') listeners.push(recordOf(element, file, ledger, redactor));
    if (element.name === 'PolicyRule') rules.push(recordOf(element, file, ledger, redactor));
  }
  // A rule without a number goes first: it lets nobody in, so that what it may have denied stays denied.
  const place = (rule: TmgRecord): number => orderOf(rule) ?? Number.MIN_SAFE_INTEGER;
  return { listeners, rules: rules.sort((a, b) => place(a) - place(b)), named };
}

function recordOf(element: XmlElement, file: string, ledger: Ledger, redactor: Redactor): TmgRecord {
  const enter = (of: XmlElement, text: string): { at: SourceRef; entry: LedgerEntry } => {
    const shown = redactor.directive(text.replace(/\s+/g, ' '));
    const directive = shown.length > DISPLAY_MAX ? `${shown.slice(0, DISPLAY_MAX - 2)} …` : shown;
    const at = { file, line: of.line, directive };
    return { at, entry: ledger.enter(at, shown, of.lastLine) };
  };
  const name = childOf(element, 'Name')?.text ?? '';
  const record: TmgRecord = {
    element,
    name,
    ...enter(element, `${element.name} ${name}`),
    properties: [],
    bars: [],
  };
  const walk = (parent: XmlElement, path: string): void => {
    for (const each of parent.children) {
      const child = byStorageName(each);
      if (child.children.length > 0 && !WHOLE.has(child.name)) {
        walk(child, `${path}${child.name}/`);
        continue;
      }
      const inside = [child, ...everyElement(child)].filter((each) => !BESIDE_VALUES.has(each.name));
      const refs = inside.filter((each) => each.name === 'Ref').map((each) => childOf(each, 'Name')?.text ?? '');
      const values = inside.filter(({ text }) => text !== '').map(({ text }) => text);
      const property = { element: child, values, refs, ...enter(child, `${path}${child.name}: ${values.join(', ')}`) };
      record.properties.push(property);
      tell(record, property);
    }
  };
  walk(element, '');
  return record;
}

/** Exports keep references as `Refs` or `Ref` with the name of the property as StorageName. */
function byStorageName(element: XmlElement): XmlElement {
  if (!WHOLE.has(element.id) || !/^Refs?$/.test(element.name)) return element;
  return { ...element, name: element.id, children: element.name === 'Ref' ? [element] : element.children };
}

/** Names whose meaning depends on the rest of the export: `lower.ts` speaks of them. */
export const LOWERED = new Set(['SelectionIPs', 'UserSets', 'AuthenticationSchemes', 'AppliedSSLCertificates']);

/** Unknown names that sound like a restriction: no rule is carried without it. */
const RESTRICTS = /exclu|except|selection|userset|schedule|contenttype|clientcert/i;

function tell(record: TmgRecord, { element, entry, values }: Property): void {
  if (LOWERED.has(element.name)) return;
  const row = PROPERTIES.get(element.name);
  if (row === undefined) {
    if (RESTRICTS.test(element.name)) record.bars.push(`${element.name} cannot be said`);
    const message = `${element.name} is no property this importer knows; nothing was made of it`;
    remark(entry, 'unknown', 'TMG_UNKNOWN', message, { hint: 'Look up what it restricts before you go over.' });
    return;
  }
  if (row.idle?.test(values.join(' '))) {
    remark(entry, 'irrelevant', 'TMG_OPERATION', 'asks for nothing');
    return;
  }
  if (row.bars) record.bars.push(`${element.name} cannot be said`);
  remark(entry, row.disposition, row.code, row.message, row.hint === undefined ? {} : { hint: row.hint });
}

export function property(record: TmgRecord, name: string): Property | undefined {
  return record.properties.find(({ element }) => element.name === name);
}

/** The one value of a property; empty where absent. */
export function textOf(record: TmgRecord, name: string): string {
  return property(record, name)?.values[0] ?? '';
}

export function isOn(value: string): boolean {
  return /^(?:1|-1|true)$/i.test(value);
}

export function isOff(value: string): boolean {
  return /^(?:0|false)$/i.test(value);
}

/** Number in the list of rules; undefined where it says none. */
export function orderOf(record: TmgRecord): number | undefined {
  const order = Number.parseInt(textOf(record, 'Order'), 10);
  return Number.isNaN(order) ? undefined : order;
}
