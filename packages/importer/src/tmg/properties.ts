// Room: the properties of publishing rules and web listeners, as a table: what becomes of each. Names of objects and of properties are
// those of the SDK of ISA Server and TMG. Sure, from public exports: the root and its namespace, RuleElements, NetConfig, PolicyRule with
// Action, Enabled, Name, Order, Type and SelectionIPs, Ref and Refs with the property as StorageName, IPsOnNetworks, lists of Str, IPFrom and
// IPTo, IPMask, Account. Sure, from the SDK and from programs that drive it: what the properties mean, their values, their defaults, the
// identifiers of web filters. Assumed, for no public export holds a published web site: that elements below WebPublishingProperties and
// WebListener are called as the properties of the SDK. A name that is not here is reported as unknown and never guessed.
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
const TOLD: readonly string[] = [
  'AlternateAccessMappingConfigured',
  'CodePages',
  'CreatedTime',
  'Description',
  'EnableLogging',
  'Guid',
  'LinkTranslationOptions',
  'LogRequests',
  'MaxConnections',
  'PolicyGroup',
  'Predefined',
  'PredefinedRule',
  'PublishedServerApplication',
  'StripDomainFromCredentials',
  'System',
  'UnlimitedNumberOfConnections',
  'Version',
];
const OFF = /^(?:0|false)?$/i;
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

/** Ways of a listener to ask for a login, apart from AuthenticationSchemes (SDK, FPCWebListenerProperties). */
export const LOGINS: readonly string[] = [
  'BasicAuthentication',
  'DigestAuthentication',
  'IntegratedWindowsAuthentication',
  'SSLCertificateAuthentication',
  'AlwaysAuthenticate',
];

const delegated = (way: string, hint: string): PropertyRow => ({
  disposition: 'untranslated',
  code: 'TMG_PRE_AUTHENTICATION',
  message: `${way}: now the server asks the client itself`,
  hint,
});
/** How TMG logged on to the server with the login of the client (SDK, FpcCredentialsDelegationType). */
export const DELEGATIONS: ReadonlyMap<string, PropertyRow> = new Map([
  ['0', { ...told, message: 'no login was passed on: the server always asked the client itself' }],
  [
    '1',
    delegated(
      'TMG let no login of a client pass to the server',
      'See that the server locks out who guesses, or leave the rule out.',
    ),
  ],
  ['2', delegated('TMG passed RSA SecurID on', 'Switch on a login on the server that its clients know.')],
  [
    '3',
    delegated(
      'TMG logged on for the client by Basic',
      'Leave Basic on for ActiveSync and Outlook; for a browser switch forms on: Set-OwaVirtualDirectory and Set-EcpVirtualDirectory with -FormsAuthentication $true.',
    ),
  ],
  [
    '4',
    delegated(
      'TMG logged on for the client by NTLM',
      'Leave NTLM on for Outlook; switch Basic on for ActiveSync, and forms for a browser.',
    ),
  ],
  [
    '5',
    delegated(
      'TMG logged on for the client by Negotiate',
      'Leave Negotiate and NTLM on for Outlook; switch Basic on for ActiveSync, and forms for a browser.',
    ),
  ],
  [
    '6',
    delegated(
      'TMG logged on for the client by Kerberos constrained delegation',
      'Clients outside the domain have no tickets: switch on NTLM for Outlook, Basic for ActiveSync, forms for a browser.',
    ),
  ],
]);

/** By name, exactly as SDK and exports spell it. */
export const PROPERTIES: ReadonlyMap<string, PropertyRow> = new Map<string, PropertyRow>([
  ...['Name', 'Order', 'Type', 'Action', 'Enabled'].map((name) => [name, carried('read')] as const),
  ...['WebSite', 'ExternalPath', 'InternalPath', 'SameAsInternalPath', 'SendOriginalHostHeader'].map(
    (name) => [name, carried('in the routes of the rule')] as const,
  ),
  ...[
    'PublishedServer',
    'PublishedServerType',
    'SSLRedirectPort',
    'HTTPRedirectPort',
    'LoadBalancingEnabled',
    'ServerFarm',
  ].map((name) => [name, carried('in the servers of the upstream')] as const),
  ['AffinityType', carried('affinity of the upstream')],
  ['PublicNames', carried('the hosts of the rule')],
  ['AllPublicNames', { ...carried('the rule takes every host'), idle: OFF }],
  ['SSLRequireSecureChannel', { ...carried('plain listeners are denied to the rule'), idle: OFF }],
  ['RedirectURL', { ...carried('where its denials send people'), idle: /^$/ }],
  ['WebListenerUsed', carried('the listeners of the rule')],
  ['SSLPort', carried('the port of the listener')],
  ['TCPPort', carried('the plain port of the listener')],
  ['IPAddresses', carried('the addresses of the listener')],
  ['IPsOnNetworks', carried('the addresses of the listener')],
  ['RedirectHTTPAsHTTPS', carried('redirect: https of the plain port')],
  ...TOLD.map((name) => [name, told] as const),
  ['TranslateLinks', links],
  ...['RequireSSLClientCertificate', 'SSLClientCertificateClaim', 'SSLClientCertificateRestrictionsEnabled'].map(
    (name) => [name, clientCertificate] as const,
  ),
  [
    'LogoffURL',
    {
      ...told,
      disposition: 'untranslated',
      code: 'TMG_PRE_AUTHENTICATION',
      message: 'there is no login of TMG to end: the server ends its own',
      idle: /^$/,
    },
  ],
]);
