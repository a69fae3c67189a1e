// Room: what an export holds, as plain records: web listeners, rules in their order, names of what they refer to. Each element that
// counts has its entry in the ledger; what the table of properties says of it is said here. Pure.
import type { SourceRef } from '@outrigger/rules';
import { type Ledger, type LedgerEntry, remark } from '../ledger.ts';
import type { Redactor } from '../redact.ts';
import { isExternal } from './clients.ts';
import { placesOf } from './orders.ts';
import { DELEGATIONS, LOGINS, PROPERTIES, type PropertyRow } from './properties.ts';
import { type Named, nameOf, type Reference, referencesOf } from './references.ts';
import { type Enter, type RuleElement, readSection, tellElements } from './sections.ts';
import { childOf, everyElement, type XmlElement } from './xml.ts';

/** A listener or a rule with its properties, each of which is entered. A rule that publishes nothing is one entry, without any. */
export type TmgRecord = {
  element: XmlElement;
  name: string;
  /** The name as a word for files, which no other record has. */
  word: string;
  at: SourceRef;
  entry: LedgerEntry;
  properties: Property[];
  /** Number in the list of rules, to compare; undefined where it says none. */
  place: number | undefined;
  /** Why more would get in if the rule were carried, a clause each: what cannot be said, and what is absent. */
  bars: string[];
};
/** `values`: the texts in it; `references`: what a list in it names. */
export type Property = {
  element: XmlElement;
  entry: LedgerEntry;
  at: SourceRef;
  values: string[];
  references: Reference[];
};

export type Export = { listeners: TmgRecord[]; rules: TmgRecord[]; elements: RuleElement[]; named: Named };

/** Characters of a property in a report. */
const DISPLAY_MAX = 88;
/** Elements below these names are one property: values in lists, references. Every list of references is one, too. */
const WHOLE = new Set([
  'PublicNames',
  'SelectionIPs',
  'UserSets',
  'WebListenerUsed',
  'AuthenticationSchemes',
  'AppliedSSLCertificates',
  'IPAddresses',
  'IPsOnNetworks',
  'ServerFarm',
  'ScheduleUsed',
  'SSLClientCertificate',
  'VendorParametersSet',
]);
/** What says how a list is kept, and not what is in it. */
const BESIDE_VALUES = new Set(['RefClass', 'StorageType', 'Guid', 'Scope']);

export function readExport(root: XmlElement, file: string, ledger: Ledger, redactor: Redactor): Export {
  const named = new Map<string, XmlElement>();
  for (const element of everyElement(root))
    if (element.id !== '' && !named.has(element.id)) named.set(element.id, element);
  const listeners: TmgRecord[] = [];
  const rules: RuleOrder = { first: [], array: [], last: [] };
  const enter: Enter = (of, text, lastLine = of.lastLine) => {
    const shown = redactor.directive(text.replace(/\s+/g, ' '));
    const directive = shown.length > DISPLAY_MAX ? `${shown.slice(0, DISPLAY_MAX - 2)} …` : shown;
    const at = { file, line: of.line, directive };
    return { at, entry: ledger.enter(at, shown, lastLine) };
  };
  const elements: RuleElement[] = [];
  const making: Making = { named, enter, words: new Set() };
  const read = (parent: XmlElement, isEnterprise: boolean): void => {
    const list = parent.children.filter(({ name }) => name === 'PolicyRule');
    const places = placesOf(list);
    const made: TmgRecord[] = [];
    for (const element of parent.children) {
      if (element.name === 'WebListener') listeners.push(recordOf(element, undefined, making));
      else if (element.name === 'PolicyRule') made.push(recordOf(element, places[made.length], making));
      else {
        const section = readSection(element, enter);
        if (section.kind === 'inside') read(element, isEnterprise || element.name === 'Enterprise');
        else elements.push(...section.elements);
      }
    }
    // A rule without a number goes first: it lets nobody in, so that what it may have denied stays denied.
    const place = (rule: TmgRecord): number => rule.place ?? Number.MIN_SAFE_INTEGER;
    putInOrder(
      made.sort((a, b) => place(a) - place(b)),
      isEnterprise,
      rules,
    );
  };
  read(root, false);
  const ordered = [...rules.first, ...rules.array, ...rules.last];
  tellElements(elements, usersOf(named, [...listeners, ...ordered]));
  return { listeners, rules: ordered, elements, named };
}

/** Rules of an enterprise stand around those of the array, whose place a rule of their list keeps (SDK, FPCPolicyRules). */
type RuleOrder = Record<'first' | 'array' | 'last', TmgRecord[]>;

function putInOrder(rules: readonly TmgRecord[], isEnterprise: boolean, order: RuleOrder): void {
  const array = rules.findIndex((rule) => PLACES_OF_ARRAY.includes(ownText(rule, 'Type')) && rule.place !== undefined);
  if (!isEnterprise) order.array.push(...rules);
  else {
    order.first.push(...rules.slice(0, array === -1 ? rules.length : array));
    order.last.push(...rules.slice(array === -1 ? rules.length : array));
  }
}

/** Who refers to what: names of records by StorageName; a network set counts with its networks, External with all of them. */
function usersOf(named: Named, records: readonly TmgRecord[]): ReadonlyMap<string, string[]> {
  const users = new Map<string, string[]>();
  const networks = [...named.values()].filter(({ name }) => name === 'Network');
  for (const { name, element, properties } of records)
    for (const { id } of properties.flatMap(({ references }) => references)) {
      const what = named.get(id);
      const isOfNetworks = what?.name === 'NetworkSet' || isExternal(what);
      for (const each of [id, ...(isOfNetworks ? networks.map((network) => network.id) : [])])
        users.set(each, [
          ...(users.get(each) ?? []),
          `${element.name === 'WebListener' ? 'listener' : 'rule'} ${name}`,
        ]);
    }
  return users;
}

/** A rule that publishes nothing, or is disabled, is one entry; properties of any other, and of listeners, count one by one. */
function isReadWhole(element: XmlElement): boolean {
  return element.name === 'PolicyRule' && !isPublished(element);
}

/** A free word for a name: letters, digits and hyphens. */
function wordFor(name: string, taken: Set<string>): string {
  const first =
    name
      .replace(/[^A-Za-z0-9]+/g, '-')
      .replace(/^-|-$/g, '')
      .toLowerCase() || 'unnamed';
  let word = first;
  for (let number = 2; taken.has(word); number += 1) word = `${first}-no${number}`;
  taken.add(word);
  return word;
}

type Making = { named: Named; enter: Enter; words: Set<string> };

function recordOf(element: XmlElement, place: number | undefined, { named, enter, words }: Making): TmgRecord {
  const name = childOf(element, 'Name')?.text ?? '';
  const record: TmgRecord = {
    element,
    name,
    word: wordFor(name, words),
    // Its properties have entries of their own, each beside its lines.
    ...enter(element, `${element.name} ${name}`, isReadWhole(element) ? element.lastLine : element.line),
    properties: [],
    place,
    bars: [],
  };
  const walk = (parent: XmlElement, path: string): void => {
    for (const each of parent.children) {
      const child = byStorageName(each);
      if (child.children.length > 0 && !WHOLE.has(child.name) && child === each) {
        walk(child, `${path}${child.name}/`);
        continue;
      }
      const inside = [child, ...everyElement(child)].filter((each) => !BESIDE_VALUES.has(each.name));
      const values = inside.filter(({ text }) => text !== '').map(({ text }) => text);
      const references = referencesOf(child);
      const shown = references.length > 0 ? references.map((each) => shownName(named, each)) : values;
      const property = {
        element: child,
        values,
        references,
        ...enter(child, `${path}${child.name}: ${shown.join(', ')}`),
      };
      record.properties.push(property);
      tell(record, property);
    }
  };
  if (!isReadWhole(element)) walk(element, '');
  return record;
}

function shownName(named: Named, reference: Reference): string {
  return `${reference.isExcluded ? 'not ' : ''}${nameOf(named, reference)}`;
}

/** Exports keep references as `Refs` or `Ref` with the name of the property as StorageName. */
function byStorageName(element: XmlElement): XmlElement {
  if (!/^Refs?$/.test(element.name) || !/^[A-Za-z]+$/.test(element.id)) return element;
  return { ...element, name: element.id, children: element.name === 'Ref' ? [element] : element.children };
}

/** Values of Action and Type (SDK, FpcPolicyRuleActions and FpcPolicyRuleTypes). */
export const ALLOW = '0';
export const DENY = '1';
export const WEB_PUBLISHING = '2';
/** A rule that keeps the place of those of the array: 0x100 in the SDK, 100 in a public program. */
const PLACES_OF_ARRAY = ['256', '100'];
const OTHER_TYPES = ['0', '1', ...PLACES_OF_ARRAY];

/** Whether the rule is to be read as a web publishing rule that is in force: where it does not say, it is. */
export function isPublished(rule: XmlElement): boolean {
  return isWebPublishing(rule) && !isOff(childOf(rule, 'Enabled')?.text ?? '');
}

/** A rule of no type that is known is one where it has what only those have. */
export function isWebPublishing(rule: XmlElement): boolean {
  const type = childOf(rule, 'Type')?.text ?? '';
  if (type === WEB_PUBLISHING) return true;
  return !OTHER_TYPES.includes(type) && childOf(rule, 'WebPublishingProperties') !== undefined;
}

/** Names whose meaning depends on the rest of the export: the rooms that read them speak of them. */
export const LOWERED: ReadonlySet<string> = new Set([
  ...LOGINS,
  'SelectionIPs',
  'UserSets',
  'AuthenticationSchemes',
  'AppliedSSLCertificates',
  'ScheduleUsed',
  'SSLClientCertificate',
  'VendorParametersSet',
]);

/** Unknown names that sound like a restriction: no rule is carried without it. */
const RESTRICTS = /exclu|except|selection|userset|schedule|contenttype|clientcert|method/i;

function rowOf({ element, values }: Property): PropertyRow | undefined {
  if (element.name === 'CredentialsDelegationType') return DELEGATIONS.get(values[0] ?? '0');
  return PROPERTIES.get(element.name);
}

function tell(record: TmgRecord, property: Property): void {
  const { element, entry, values } = property;
  if (LOWERED.has(element.name)) return;
  const row = rowOf(property);
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

/** The same for what the rule itself says, and nothing inside it: Type, Action, Enabled. */
export function ownText(record: TmgRecord, name: string): string {
  return childOf(record.element, name)?.text ?? '';
}

export function isOn(value: string): boolean {
  return /^(?:1|-1|true)$/i.test(value);
}

export function isOff(value: string): boolean {
  return /^(?:0|false)$/i.test(value);
}
