// Room: policies of TMG drawn at random: as the text of an export, and as what TMG does with a request, without the importer.
// Semantics: SDK of ISA Server and TMG, FPCPolicyRule, FPCWebPublishingProperties, FPCPathMapping, FPCNetwork.
import fc from 'fast-check';

type Source = { set: string; isExcluded: boolean };
type Mapping = { external: string; internal: string };
type Publishing = {
  kind: 'publishing';
  isEnabled: boolean;
  isDenied: boolean;
  listener: number;
  /** Empty for every public name. */
  names: string[];
  mappings: Mapping[];
  sources: Source[];
  site: string;
  /** Value of PublishedServerType: 0 in the clear, 1 over TLS, 2 as the request came. */
  type: 0 | 1 | 2;
  ports: { plain: number; tls: number };
  sendsHost: boolean;
  wantsTls: boolean;
};
/** An access rule for HTTP towards TMG itself. */
type Firewall = { kind: 'firewall'; isEnabled: boolean; isDenied: boolean; sources: Source[] };
export type Policy = (Publishing | Firewall)[];
export type Request = { at: string; client: string; host: string; path: string };

/** Inner networks, and sets of computers: what is written of each, and who is in it. */
const INNER = [within('10.0.0.0', '10.255.255.255'), within('172.16.0.0', '172.16.255.255')];
const SETS: Readonly<Record<string, { text: string; has(client: string): boolean }>> = {
  Anywhere: { text: rangeText('AddressRange', '0.0.0.0', '255.255.255.255'), has: () => true },
  Partner: {
    text: `${item('Computer', text('IPAddress', '198.51.100.7'))}${item('Subnet', text('IPAddress', '203.0.113.64') + text('IPMask', '255.255.255.192'))}`,
    has: (client) => client === '198.51.100.7' || within('203.0.113.64', '203.0.113.127')(client),
  },
  Range: {
    text: rangeText('AddressRange', '192.0.2.10', '192.0.2.20'),
    has: within('192.0.2.10', '192.0.2.20'),
  },
};
const NETWORKS: Readonly<Record<string, { text: string; has(client: string): boolean }>> = {
  External: {
    text: text('NetworkType', '3'),
    has: (client) => !INNER.some((has) => has(client)) && !client.startsWith('127.'),
  },
  Internal: {
    text: `${text('NetworkType', '4')}<fpc4:IpRangeSet>${rangeText('IpRange', '10.0.0.0', '10.255.255.255')}</fpc4:IpRangeSet>`,
    has: INNER[0] as (client: string) => boolean,
  },
  // Clients of it are nowhere but at TMG.
  'VPN Clients': { text: text('NetworkType', '1'), has: () => false },
  Perimeter: {
    text: `${text('NetworkType', '0')}<fpc4:IpRangeSet>${rangeText('IpRange', '172.16.0.0', '172.16.255.255')}</fpc4:IpRangeSet>`,
    has: INNER[1] as (client: string) => boolean,
  },
};
/** Each with the ports that take requests; the plain port of the second leads to https. */
const LISTENERS = [
  { address: '203.0.113.10', tls: 443, plain: 80, redirect: 0 },
  { address: '203.0.113.11', tls: 8443, plain: 80, redirect: 2 },
  { address: '203.0.113.12', tls: 0, plain: 8080, redirect: 0 },
] as const;

const NAMES = ['www.contoso.com', 'mail.contoso.com', '*.contoso.com', '*.mail.contoso.com'];
const PATHS = ['/*', '/owa/*', '/OWA/auth/*', '/docs/*', '/docs/a.htm', '/doc.s/*', '/inner/*', '/tea*'];
export const REQUESTS: readonly Request[] = product(
  ['203.0.113.10:443', '203.0.113.10:80', '203.0.113.11:8443', '203.0.113.12:8080'],
  ['10.1.2.3', '172.16.0.9', '203.0.113.66', '198.51.100.7', '192.0.2.20', '192.0.2.21'],
  ['www.contoso.com', 'WWW.Contoso.com', 'a.mail.contoso.com', 'mail.contoso.com', 'contoso.com', 'other.example'],
  ['/', '/owa', '/Owa/x', '/owax', '/owa/auth/', '/docs/A.htm', '/docs/a.htm/x', '/docxs/', '/inner', '/teapot/x'],
);

const mapping = fc
  .record({ external: fc.constantFrom(...PATHS), isSame: fc.boolean(), to: fc.constantFrom('/inner', '/owa', '') })
  .map(({ external, isSame, to }): Mapping => {
    if (isSame || external.endsWith('a*')) return { external, internal: external };
    return { external, internal: external.endsWith('*') ? `${to}/*` : `${to}/b.htm` };
  });
const sources = fc.array(
  fc.record({
    set: fc.constantFrom('Anywhere', 'Anywhere', 'Partner', 'Range', 'External', 'Internal', 'Perimeter'),
    isExcluded: fc.integer({ min: 0, max: 3 }).map((each) => each === 0),
  }),
  { minLength: 1, maxLength: 3 },
);
const mostly = fc.integer({ min: 0, max: 5 }).map((each) => each > 0);
const publishing = fc.record<Publishing>({
  kind: fc.constant('publishing'),
  isEnabled: mostly,
  isDenied: mostly.map((each) => !each),
  listener: fc.nat({ max: LISTENERS.length - 1 }),
  names: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 3 }),
  mappings: fc.uniqueArray(mapping, {
    minLength: 1,
    maxLength: 4,
    selector: ({ external }) => external.toLowerCase(),
  }),
  sources,
  site: fc.constantFrom('a.contoso.local', 'b.contoso.local', '10.9.8.7'),
  type: fc.constantFrom(0, 1, 2),
  ports: fc.record({ plain: fc.constantFrom(80, 81), tls: fc.constantFrom(443, 444) }),
  sendsHost: fc.boolean(),
  wantsTls: fc.boolean(),
});
const firewall = fc.record<Firewall>({
  kind: fc.constant('firewall'),
  isEnabled: mostly,
  isDenied: mostly,
  sources,
});
export const policies: fc.Arbitrary<Policy> = fc.array(
  fc.oneof({ weight: 4, arbitrary: publishing }, { weight: 1, arbitrary: firewall }),
  { minLength: 1, maxLength: 6 },
);

/** What TMG does: `deny`, or where it asks, with which Host and what it makes of the path. */
export function decided(policy: Policy, { at, client, host, path }: Request): string {
  const listener = LISTENERS.findIndex(({ address }) => at.startsWith(`${address}:`));
  const isTls = at.endsWith('443');
  for (const rule of policy) {
    const isFrom = rule.isEnabled && isAmong(rule.sources, client);
    if (!isFrom) continue;
    if (rule.kind === 'firewall') {
      if (rule.isDenied) return 'deny';
      continue;
    }
    if (rule.listener !== listener || !isNamed(rule.names, host)) continue;
    const mapped = nearest(rule.mappings, path);
    if (mapped === undefined) continue;
    if (rule.isDenied || (rule.wantsTls && !isTls)) return 'deny';
    const isSecure = rule.type === 1 || (rule.type === 2 && isTls);
    const server = `${isSecure ? 'https' : 'http'}://${rule.site}:${isSecure ? rule.ports.tls : rule.ports.plain}`;
    const [from, to] = [mapped.external, mapped.internal].map((each) => each.replace(/\/\*$/, '') || '/');
    return shownWay(server, rule.sendsHost ? undefined : rule.site, from === to ? undefined : { from, to });
  }
  return 'deny';
}

export function shownWay(
  server: string,
  host: string | undefined,
  path: { from?: string | undefined; to?: string | undefined } | undefined,
): string {
  return `${server} as ${host ?? 'asked'}${path === undefined ? '' : `, ${path.from} as ${path.to}`}`;
}

function isAmong(all: readonly Source[], client: string): boolean {
  const has = ({ set }: Source): boolean => (SETS[set] ?? NETWORKS[set])?.has(client) ?? false;
  return all.some((each) => !each.isExcluded && has(each)) && !all.some((each) => each.isExcluded && has(each));
}

function isNamed(names: readonly string[], host: string): boolean {
  const asked = host.toLowerCase();
  return (
    names.length === 0 || names.some((name) => (name.startsWith('*') ? asked.endsWith(name.slice(1)) : asked === name))
  );
}

function nearest(mappings: readonly Mapping[], path: string): Mapping | undefined {
  const holds = ({ external }: Mapping): boolean => {
    const [outer, asked] = [external.toLowerCase(), path.toLowerCase()];
    if (outer.endsWith('/*')) return `${asked}/`.startsWith(outer.slice(0, -1));
    return outer.endsWith('*') ? asked.startsWith(outer.slice(0, -1)) : asked === outer;
  };
  return mappings.filter(holds).toSorted((one, other) => other.external.length - one.external.length)[0];
}

export function exported(policy: Policy): string {
  const listeners = LISTENERS.map(({ address, tls, plain, redirect }, index) =>
    named(
      'WebListener',
      `l${index}`,
      `<fpc4:IPsOnNetworks>${item('IPOnNetwork', `${text('IPSelectionMethod', '2')}<fpc4:IPAddresses>${text('Str', address)}</fpc4:IPAddresses>`)}</fpc4:IPsOnNetworks>` +
        `<fpc4:WebListenerProperties>${text('SSLPort', `${tls}`)}${text('TCPPort', `${plain}`)}${text('RedirectHTTPAsHTTPS', `${redirect}`)}` +
        `<fpc4:AuthenticationSchemes>${text('Str', 'No authentication')}</fpc4:AuthenticationSchemes></fpc4:WebListenerProperties>`,
    ),
  );
  const sets = Object.entries(SETS).map(([name, { text: members }]) => named('ComputerSet', name, members));
  const networks = Object.entries(NETWORKS).map(([name, { text: members }]) => named('Network', name, members));
  const rules = policy.map((rule, index) =>
    named(
      'PolicyRule',
      `r${index}`,
      text('Action', rule.isDenied ? '1' : '0') +
        text('Enabled', rule.isEnabled ? '1' : '0') +
        text('Order', `${index + 1}`) +
        text('Type', rule.kind === 'firewall' ? '0' : '2') +
        `<fpc4:SelectionIPs>${rule.sources.map(sourceText).join('')}</fpc4:SelectionIPs>` +
        (rule.kind === 'firewall' ? accessText() : publishingText(rule)),
    ),
  );
  return (
    `<fpc4:Root xmlns:fpc4="http://schemas.microsoft.com/isa/config-4"><fpc4:Arrays><fpc4:Array>` +
    `<fpc4:RuleElements><fpc4:WebListeners>${listeners.join('')}</fpc4:WebListeners><fpc4:ComputerSets>${sets.join('')}</fpc4:ComputerSets></fpc4:RuleElements>` +
    `<fpc4:NetConfig><fpc4:Networks>${networks.join('')}</fpc4:Networks></fpc4:NetConfig>` +
    `<fpc4:ArrayPolicy><fpc4:PolicyRules>${rules.join('')}</fpc4:PolicyRules></fpc4:ArrayPolicy></fpc4:Array></fpc4:Arrays></fpc4:Root>`
  );
}

function accessText(): string {
  return `<fpc4:AccessProperties>${text('ProtocolSelectionMethod', '0')}<fpc4:SelectionIPs>${text('Str', 'Anywhere')}</fpc4:SelectionIPs></fpc4:AccessProperties>`;
}

function publishingText(rule: Publishing): string {
  const names = `<fpc4:PublicNames>${rule.names.map((name) => text('Str', name)).join('')}</fpc4:PublicNames>`;
  const mappings = rule.mappings.map(({ external, internal }) =>
    item('PathMapping', text('ExternalPath', external) + text('InternalPath', internal)),
  );
  return `<fpc4:WebPublishingProperties>${[
    text('AllPublicNames', rule.names.length === 0 ? '1' : '0'),
    rule.names.length === 0 ? '' : names,
    `<fpc4:PathMappings>${mappings.join('')}</fpc4:PathMappings>`,
    text('WebSite', rule.site),
    text('PublishedServerType', `${rule.type}`),
    text('HTTPRedirectPort', `${rule.ports.plain}`),
    text('SSLRedirectPort', `${rule.ports.tls}`),
    text('SendOriginalHostHeader', rule.sendsHost ? '1' : '0'),
    text('SSLRequireSecureChannel', rule.wantsTls ? '1' : '0'),
    text('CredentialsDelegationType', '0'),
    `<fpc4:UserSets>${text('Str', 'All Users')}</fpc4:UserSets>`,
    `<fpc4:Ref StorageName="WebListenerUsed">${text('Name', `l${rule.listener}`)}</fpc4:Ref>`,
  ].join('')}</fpc4:WebPublishingProperties>`;
}

function sourceText({ set, isExcluded }: Source): string {
  return item('Ref', text('Name', set) + text('IncludeStatus', isExcluded ? '1' : '0'));
}

function text(name: string, value: string): string {
  return `<fpc4:${name}>${value}</fpc4:${name}>`;
}

function item(name: string, inside: string): string {
  return `<fpc4:${name}>${inside}</fpc4:${name}>`;
}

function named(name: string, id: string, inside: string): string {
  return `<fpc4:${name} StorageName="${id}">${inside}${text('Name', id)}</fpc4:${name}>`;
}

function rangeText(name: string, from: string, to: string): string {
  return item(name, text('IPFrom', from) + text('IPTo', to));
}

function within(from: string, to: string): (client: string) => boolean {
  const number = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return (client) => number(client) >= number(from) && number(client) <= number(to);
}

function product(
  ats: readonly string[],
  clients: readonly string[],
  hosts: readonly string[],
  paths: readonly string[],
): Request[] {
  return ats.flatMap((at) =>
    clients.flatMap((client) => hosts.flatMap((host) => paths.map((path) => ({ at, client, host, path })))),
  );
}
