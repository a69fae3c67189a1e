// Room: the properties of publishing rules and web listeners, as a table: what becomes of each. Names of objects and of most properties
// are those of the ISA Server and TMG SDK. Sure, from public exports: the root and its namespace, RuleElements, PolicyRule with Action,
// Enabled, Name, Order, Type and SelectionIPs, Refs by StorageName, lists of Str. Sure, from the SDK: PathMapping with ExternalPath,
// InternalPath and SameAsInternalPath, PublicNames, WebSite. Assumed, for no public export holds a published web site: that elements
// below WebPublishingProperties and WebListener are called as the properties of the SDK, ports and SSL bridging above all.
// A name that is not here is reported as unknown and never guessed.
import type { ImportCode } from '../codes.ts';
import type { Disposition } from '../ledger.ts';

/** What is said of a property wherever it stands. `bars`: without it a rule would let more in, so the rule is not carried. */
export type PropertyRow = {
  disposition: Disposition;
  code: ImportCode;
  message: string;
  hint?: string;
  /** Values that ask for nothing: said to be irrelevant. */
  idle?: RegExp;
  bars?: true;
};

const carried = (message: string): PropertyRow => ({ disposition: 'translated', code: 'TMG_CARRIED', message });
const told: PropertyRow = {
  disposition: 'irrelevant',
  code: 'TMG_OPERATION',
  message: 'says nothing about where requests go',
};
const OFF = /^(?:0|false)?$/i;
const limit: PropertyRow = {
  disposition: 'untranslated',
  code: 'TMG_HTTP_FILTER',
  message: 'a limit of the HTTP filter; Outrigger has limits of its own and passes on what this refused',
  hint: 'Write a condition in access, or limits, where it protected something.',
  idle: OFF,
};
const links: PropertyRow = {
  disposition: 'untranslated',
  code: 'TMG_LINK_TRANSLATION',
  message: 'links in answers are not translated: pages that name the inner server will not work from outside',
  hint: 'Set the external URLs on the server itself.',
  idle: OFF,
};
const clientCertificate: PropertyRow = {
  disposition: 'untranslated',
  code: 'TMG_CLIENT_CERTIFICATE',
  message: 'client certificates were asked for; without them more clients would get in, so nothing of it is carried',
  hint: 'Export the authority as PEM and write clientCertificates.',
  idle: OFF,
  bars: true,
};

/** By name, exactly as SDK and exports spell it. */
export const PROPERTIES: ReadonlyMap<string, PropertyRow> = new Map<string, PropertyRow>([
  ...['Name', 'Order', 'Type', 'Action', 'Enabled'].map((name) => [name, carried('read')] as const),
  ...['WebSite', 'ExternalPath', 'InternalPath', 'SameAsInternalPath', 'SendOriginalHostHeader'].map(
    (name) => [name, carried('in the routes of the rule')] as const,
  ),
  ...['RedirectSSLAs', 'SSLRedirectPort', 'HTTPRedirectPort'].map(
    (name) => [name, carried('in the servers of the upstream')] as const,
  ),
  ['PublicNames', carried('the hosts of the rule')],
  ['AllowedMethods', carried('the methods of the rule')],
  ['WebListenerUsed', carried('the listeners of the rule')],
  ['SSLPort', carried('the port of the listener')],
  ['TCPPort', carried('the plain port of the listener')],
  ['IPAddresses', carried('the addresses of the listener')],
  ['RedirectHTTPAsHTTPS', carried('redirect: https of the plain port')],
  ...['Description', 'Guid', 'Version', 'CreatedTime', 'LogRequests', 'EnableLogging', 'System', 'PredefinedRule'].map(
    (name) => [name, told] as const,
  ),
  ...['MaxURLLength', 'MaxQueryLength', 'MaxHeaderLength', 'MaxPayloadLength', 'BlockHighBitCharacters'].map(
    (name) => [name, limit] as const,
  ),
  ...['VerifyNormalization', 'BlockExecutables', 'DeniedMethods', 'DeniedExtensions', 'DeniedSignatures'].map(
    (name) => [name, limit] as const,
  ),
  ['TranslateLinks', links],
  ['LinkTranslation', links],
  ['LinkTranslationDictionary', links],
  ['SSLRequireClientCertificate', clientCertificate],
  ['SSLClientCertificate', { ...clientCertificate, message: 'TMG showed this certificate to the server; nobody does' }],
  [
    'CredentialsDelegationType',
    {
      disposition: 'untranslated',
      code: 'TMG_PRE_AUTHENTICATION',
      message: 'credentials are not delegated: the server must ask the client itself',
      hint: 'Switch on Basic, NTLM or Negotiate on the virtual directories.',
      idle: OFF,
    },
  ],
  [
    'LogoffURL',
    { ...told, disposition: 'untranslated', code: 'TMG_PRE_AUTHENTICATION', message: 'there is no login to end' },
  ],
  [
    'ServerFarm',
    {
      disposition: 'untranslated',
      code: 'TMG_SERVER',
      message: 'a server farm is not followed',
      hint: 'Write its servers into the upstream, with affinity and health.',
      bars: true,
    },
  ],
  [
    'ScheduleUsed',
    {
      disposition: 'untranslated',
      code: 'TMG_RESTRICTION',
      message: 'a schedule has no counterpart, and without it the rule would hold at all times',
      idle: /^Always$/,
      bars: true,
    },
  ],
]);
