// Room: access rules that deny, in front of publishing rules: TMG asked the rules of both kinds in one order, so that clients which such a
// rule keeps from TMG itself reached no site behind it. Pure.
import { remark } from '../ledger.ts';
import { clientList } from './addresses.ts';
import { clientsOf, coversThisHost } from './clients.ts';
import { WRITE_ADDRESSES } from './lists.ts';
import { ALLOW, type Export, isOff, isOn, ownText, type TmgRecord } from './records.ts';
import { type Named, nameOf, type Reference, referencesOf } from './references.ts';
import { childOf, type XmlElement } from './xml.ts';

/**
 * Whom the rule keeps out of the sites of all rules behind it: `clients` undefined for everybody, which it is too where nobody can say
 * whom. Undefined, and told, where it keeps out nobody.
 */
export function deniedByFirewall(rule: TmgRecord, found: Export): { clients: string[] | undefined } | undefined {
  if (!deniesThisHost(rule, found)) {
    remark(rule.entry, 'irrelevant', 'TMG_OPERATION', 'a rule of the firewall, no publishing');
    return undefined;
  }
  const list = childOf(rule.element, 'SelectionIPs');
  const references = list === undefined ? [] : referencesOf(list);
  const { addresses, missing, unsaid } = clientsOf(found.named, references);
  if (unsaid.length > 0 || references.length === 0) {
    const whom = unsaid.join(', ') || 'clients it does not name';
    remark(
      rule.entry,
      'untranslated',
      'TMG_ABSENT',
      `it denies ${whom}, which cannot be said: now everybody is denied what stands behind it`,
      {
        hint: 'Write their addresses into its deny line, or export what the rule refers to with it.',
      },
    );
    return { clients: undefined };
  }
  if (addresses.length === 0) {
    const message = `it denied clients of ${missing.join(', ') || 'no address'}, whom only TMG had`;
    remark(rule.entry, 'irrelevant', 'TMG_OPERATION', message);
    return undefined;
  }
  const clients = clientList(addresses);
  const shown = clients === undefined ? 'everybody' : clients.join(', ');
  remark(rule.entry, 'approximated', 'TMG_RESTRICTION', `an access line that denies ${shown} what stands behind it`);
  if (missing.length > 0 && clients !== undefined)
    remark(
      rule.entry,
      'untranslated',
      'TMG_RESTRICTION',
      `clients of ${missing.join(', ')} are not denied by it: only TMG knew their addresses`,
      WRITE_ADDRESSES,
    );
  return { clients };
}

/** Lists of pages, names and contents: a rule with one is about what people inside fetch. */
const PAGES = [
  'URLSet',
  'URLSets',
  'DestinationDomainNameSets',
  'UrlCategory',
  'UrlCategorySet',
  'ContentTypeSetsUsed',
];

/**
 * In force, for every user, for HTTP among others, and for what is sent to TMG itself. Where the export does not say, it is: what may have
 * been denied stays denied.
 */
function deniesThisHost(rule: TmgRecord, { named }: Export): boolean {
  const isInForce =
    ownText(rule, 'Action') !== ALLOW && !isOff(ownText(rule, 'Enabled')) && !isOn(ownText(rule, 'System'));
  const properties = childOf(rule.element, 'AccessProperties');
  const users = listOf(properties, 'UserSets');
  return (
    isInForce &&
    (users.length === 0 || users.some((each) => /^All Users$/i.test(nameOf(named, each)) || isUnsaid(named, each))) &&
    PAGES.every((name) => listOf(properties, name).length === 0) &&
    isForHttp(childOf(properties, 'ProtocolSelectionMethod')?.text ?? '', listOf(properties, 'ProtocolsUsed'), named) &&
    coversThisHost(named, listOf(properties, 'SelectionIPs'))
  );
}

/** A list of references under its own name, or as Refs of that StorageName; empty where absent. */
function listOf(properties: XmlElement | undefined, name: string): Reference[] {
  const list = properties?.children.find((each) => each.name === name || each.id === name);
  return list === undefined ? [] : referencesOf(list);
}

function isUnsaid(named: Named, { id, isText }: Reference): boolean {
  return !isText && childOf(named.get(id), 'Name') === undefined;
}

/** Values of ProtocolSelectionMethod (SDK, FpcProtocolSelectionType): 0 all, 1 those, 2 all but those. */
function isForHttp(method: string, protocols: readonly Reference[], named: Named): boolean {
  if (protocols.length === 0 || protocols.some((each) => isUnsaid(named, each))) return true;
  const isNamed = protocols.some((each) => /^HTTPS?(?: Server)?$/i.test(nameOf(named, each)));
  return method === '1' ? isNamed : method !== '2' || !isNamed;
}
