// Room: the parts of an export beside its listeners and rules, as a table: what becomes of each. Names are those of public exports of whole
// arrays, and of the SDK. A part is one entry; of those that rules refer to, each element is one. Pure.
import type { SourceRef } from '@outrigger/rules';
import { type LedgerEntry, remark } from '../ledger.ts';
import { childOf, everyElement, type XmlElement } from './xml.ts';

/** Enters an element with what a report calls it; `lastLine`: of what is said of it, its own last where absent. */
export type Enter = (of: XmlElement, text: string, lastLine?: number) => { at: SourceRef; entry: LedgerEntry };

/** An element that rules and listeners may refer to. */
export type RuleElement = { element: XmlElement; entry: LedgerEntry };

/** What other parts are about; they say nothing of published web sites. */
const OTHERS: Readonly<Record<string, string>> = {
  AdminSecurity: 'who may administer TMG',
  Alerts: 'what TMG reported',
  Cache: 'the cache of TMG; Outrigger keeps none',
  ChangeTracking: 'who changed what',
  ClientConfigSettings: 'clients of TMG inside',
  ConfigurationStorageServerConnection: 'where TMG kept its settings',
  ConnectivityVerifiers: 'what TMG watched',
  ContentTypeSets: 'kinds of content for access rules',
  Credentials: 'a login of TMG itself',
  DomainNameSets: 'names for access rules',
  EnterpriseNetworks: 'networks of an enterprise',
  EventDefinitions: 'events TMG knew',
  Extensions: 'filters of TMG as such; what they do for a rule stands in the rule',
  LdapServers: 'where TMG looked up logins',
  LdapServersMappings: 'where TMG looked up logins',
  Logs: 'how TMG logged',
  MalwareInspectionSettings: 'inspection of what people inside fetched',
  NetworkInspectionSystem: 'inspection of traffic for known attacks',
  NetworkRules: 'routing and address translation between networks',
  PolicyAssignment: 'which policy is for which array',
  PolicyGroups: 'how the console groups rules',
  Protocols: 'protocols for access rules',
  RadiusServers: 'where TMG looked up logins',
  Ref: 'which policy or server it is for',
  Reports: 'reports of TMG',
  RoutingRules: 'where TMG sent requests of people inside',
  SecurityAssessmentSharing: 'what TMG shared with others',
  Servers: 'the machines of TMG',
  SmtpProtectionConfiguration: 'mail by SMTP',
  StaticRoutes: 'routing of packets',
  SystemPolicy: 'what TMG itself might do',
  URLSets: 'URLs for access rules',
  UpdateCenter: 'updates of TMG',
  UrlCategories: 'kinds of URLs for access rules',
  UrlCategorySets: 'kinds of URLs for access rules',
  UserAgentMappings: 'which form TMG showed to which browser',
  VendorParametersSets: 'settings of filters as such',
  VpnConfiguration: 'VPN through TMG',
};

/** Parts that are looked into. */
const LOOKED_INTO = new Set([
  'Array',
  'ArrayPolicy',
  'Arrays',
  'Enterprise',
  'NetConfig',
  'Policies',
  'Policy',
  'PolicyRules',
  'Root',
  'RuleElements',
  'WebListeners',
]);

/** Elements that rules and listeners refer to, and the parts that hold them. */
const REFERRED: Readonly<Record<string, string>> = {
  AddressRanges: 'AddressRange',
  AuthenticationSchemes: 'AuthenticationScheme',
  ComputerSets: 'ComputerSet',
  Computers: 'Computer',
  NetworkSets: 'NetworkSet',
  Networks: 'Network',
  ProxyScheduleTemplates: 'ScheduleTemplate',
  ScheduleTemplates: 'ScheduleTemplate',
  ServerFarms: 'ServerFarm',
  Subnets: 'Subnet',
  UserSets: 'UserSet',
};
const ELEMENTS = new Set(Object.values(REFERRED));

/**
 * Enters one child of a part that is looked into. `inside`: the part is to be looked into by the caller; `elements`: what it held for rules
 * to refer to.
 */
export function readSection(
  child: XmlElement,
  enter: Enter,
): { kind: 'inside' } | { kind: 'entered'; elements: RuleElement[] } {
  const about = child.children.length === 0 ? (OTHERS[child.name] ?? 'the export or its array') : OTHERS[child.name];
  const isLookedInto = LOOKED_INTO.has(child.name) || (about === undefined && holdsRules(child));
  if (isLookedInto) return { kind: 'inside' };
  if (ELEMENTS.has(child.name)) return { kind: 'entered', elements: [elementOf(child, enter)] };
  const member = REFERRED[child.name];
  if (member !== undefined && child.children.every(({ name }) => name === member)) {
    if (child.children.length > 0)
      return { kind: 'entered', elements: child.children.map((each) => elementOf(each, enter)) };
    remark(enter(child, child.name).entry, 'irrelevant', 'TMG_NOT_USED', 'it is empty');
    return { kind: 'entered', elements: [] };
  }
  const text = child.text === '' ? child.name : `${child.name}: ${child.text}`;
  const { entry } = enter(child, text);
  if (about === undefined)
    remark(
      entry,
      'unknown',
      'TMG_UNKNOWN',
      `${child.name} is no part of an export that this importer knows; nothing was made of it`,
      {
        hint: 'Look up whether it has to do with published web sites.',
      },
    );
  else remark(entry, 'irrelevant', 'TMG_OPERATION', `about ${about}`);
  return { kind: 'entered', elements: [] };
}

/** Whatever it is called: no rule and no listener is overlooked. */
function holdsRules(element: XmlElement): boolean {
  return [...everyElement(element)].some(({ name }) => name === 'PolicyRule' || name === 'WebListener');
}

function elementOf(element: XmlElement, enter: Enter): RuleElement {
  return { element, entry: enter(element, `${element.name} ${childOf(element, 'Name')?.text ?? ''}`).entry };
}

/** Names that are shown of those who refer to an element. */
const SHOWN_MOST = 3;

/** Says of each element which listeners and rules refer to it. `users`: their names, by StorageName of what they refer to. */
export function tellElements(elements: readonly RuleElement[], users: ReadonlyMap<string, readonly string[]>): void {
  for (const { element, entry } of elements) {
    const names = [...new Set(users.get(element.id) ?? [])];
    const more = names.length > SHOWN_MOST ? ` and ${names.length - SHOWN_MOST} more` : '';
    if (names.length === 0)
      remark(entry, 'irrelevant', 'TMG_NOT_USED', 'no listener, and no publishing rule that is enabled, refers to it');
    else remark(entry, 'translated', 'TMG_CARRIED', `read for ${names.slice(0, SHOWN_MOST).join(', ')}${more}`);
  }
}

/** Products by the first numbers of their build. */
const PRODUCTS: Readonly<Record<string, string>> = {
  '4.0': 'ISA Server 2004',
  '5.0': 'ISA Server 2006',
  '6.0': 'Forefront TMG Medium Business Edition',
  '7.0': 'Forefront TMG 2010',
};

/** What wrote the export, as a sentence; undefined where it does not say. */
export function productOf(root: XmlElement): string | undefined {
  const build = childOf(root, 'Build')?.text ?? '';
  const product = PRODUCTS[/^\d+\.\d+/.exec(build)?.[0] ?? ''];
  return product === undefined ? undefined : `An export of ${product} (build ${build}).`;
}
