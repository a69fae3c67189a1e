// Room: from which addresses a rule lets in: computers, ranges, subnets, computer sets, networks and network sets, some included and some
// excepted. Pure.
import { type AddressSet, addressSetOf, complement, EVERYBODY, maskBits, NOBODY, union, without } from './addresses.ts';
import { type Named, nameOf, type Reference } from './references.ts';
import { childOf, everyElement, type XmlElement } from './xml.ts';

export type Clients = {
  addresses: AddressSet;
  /** Names of networks whose addresses TMG alone knew: their clients are not among `addresses`. */
  missing: string[];
  /** Names that cannot be said at all: nobody may be let in on their account, nor kept out. */
  unsaid: string[];
  /** Some of `unsaid` is not in the export. */
  isAbsent: boolean;
};

/** What one reference stands for. `missing`: of what it has more; undefined where nothing is known of it. */
type Members = { addresses: AddressSet; missing: string[] } | undefined;

export function clientsOf(named: Named, references: readonly Reference[]): Clients {
  const clients: Clients = { addresses: NOBODY, missing: [], unsaid: [], isAbsent: false };
  let exceptions: AddressSet = NOBODY;
  for (const reference of references) {
    const members = membersOf(named, reference);
    if (members === undefined || (reference.isExcluded && members.missing.length > 0)) {
      clients.unsaid.push(`${reference.isExcluded ? 'all but ' : ''}${nameOf(named, reference) || 'nothing'}`);
      clients.isAbsent ||= !reference.isText && !named.has(reference.id);
    } else if (reference.isExcluded) exceptions = union(exceptions, members.addresses);
    else {
      clients.addresses = union(clients.addresses, members.addresses);
      clients.missing.push(...members.missing);
    }
  }
  clients.addresses = without(clients.addresses, exceptions);
  return clients;
}

/** Texts that people write in place of a reference (the reports propose them), and names of predefined sets without members. */
const ANYBODY = /^(?:Anywhere|All Networks|All Networks \(and Local Host\))$/i;

function membersOf(named: Named, reference: Reference): Members {
  if (reference.isText) return ANYBODY.test(reference.id) ? { addresses: EVERYBODY, missing: [] } : undefined;
  const element = named.get(reference.id);
  if (element === undefined) return undefined;
  if (element.name === 'Network') return networkMembers(named, element);
  if (element.name === 'NetworkSet') return networkSetMembers(named, element);
  if (element.name !== 'ComputerSet') return known(singleMembers(element));
  const members = [...everyElement(element)].filter(({ name }) => SINGLES.includes(name)).map(singleMembers);
  if (members.length === 0) return ANYBODY.test(nameOf(named, reference)) ? known(EVERYBODY) : undefined;
  const sets = members.filter((set) => set !== undefined);
  return sets.length === members.length ? known(everyIpv4(union(...sets))) : undefined;
}

const SINGLES = ['Computer', 'AddressRange', 'Subnet'];

function known(addresses: AddressSet | undefined): Members {
  return addresses === undefined ? undefined : { addresses, missing: [] };
}

/** All of IPv4 is everybody to TMG, which serves no other. */
function everyIpv4(set: AddressSet): AddressSet {
  const all = addressSetOf('0.0.0.0/0') ?? NOBODY;
  return without(all, set).length === 0 ? EVERYBODY : set;
}

function singleMembers(element: XmlElement): AddressSet | undefined {
  const text = (name: string): string => childOf(element, name)?.text ?? '';
  if (element.name === 'Computer') return /[/-]/.test(text('IPAddress')) ? undefined : addressSetOf(text('IPAddress'));
  if (element.name === 'AddressRange') return rangeMembers(element);
  const bits = element.name === 'Subnet' ? maskBits(text('IPMask')) : undefined;
  return bits === undefined ? undefined : addressSetOf(`${text('IPAddress')}/${bits}`);
}

/** Exports have IPFrom and IPTo, the SDK IP_From and IP_To. */
function rangeMembers(range: XmlElement): AddressSet | undefined {
  const from = childOf(range, 'IPFrom', 'IP_From')?.text ?? '';
  const to = childOf(range, 'IPTo', 'IP_To')?.text ?? '';
  return /[/-]/.test(from + to) ? undefined : addressSetOf(`${from}-${to}`);
}

const LOCAL_HOST = '2';
const INTERNAL = '4';
/** Kinds of networks (SDK, FpcNetworkTypes). Those that are no key here have ranges. */
const NETWORKS: Readonly<Record<string, (named: Named, name: string) => Members>> = {
  '1': (_, name) => ({ addresses: NOBODY, missing: [name] }),
  '2': (_, name) => ({ addresses: addressSetOf('127.0.0.0/8') ?? NOBODY, missing: [name] }),
  '3': (named) => external(named),
  '5': (_, name) => ({ addresses: NOBODY, missing: [name] }),
};
const NETWORK_NAMES: Readonly<Record<string, string>> = {
  'VPN Clients': '1',
  'Local Host': LOCAL_HOST,
  External: '3',
  Internal: INTERNAL,
  'Quarantined VPN Clients': '5',
};

function kindOf(network: XmlElement): string {
  const type = childOf(network, 'NetworkType')?.text;
  return type ?? NETWORK_NAMES[childOf(network, 'Name')?.text ?? ''] ?? '0';
}

export function isExternal(network: XmlElement | undefined): boolean {
  return network?.name === 'Network' && kindOf(network) === '3';
}

function networkMembers(named: Named, network: XmlElement): Members {
  const special = NETWORKS[kindOf(network)];
  return special === undefined ? known(networkRanges(network)) : special(named, childOf(network, 'Name')?.text ?? '');
}

/** Undefined where it has none, or one of them is none. */
function networkRanges(network: XmlElement): AddressSet | undefined {
  const ranges = (childOf(network, 'IpRangeSet')?.children ?? []).filter(({ children }) => children.length > 0);
  const sets = ranges.map(rangeMembers).filter((set) => set !== undefined);
  return sets.length === 0 || sets.length < ranges.length ? undefined : union(...sets);
}

/** All that is in no other network (SDK, FPCNetwork). Known where the export holds those networks: Internal at least. */
function external(named: Named): Members {
  const others = networksOf(named).filter((network) => !isExternal(network));
  if (!others.some((network) => kindOf(network) === INTERNAL)) return undefined;
  const ranges = others.filter((network) => NETWORKS[kindOf(network)] === undefined).map(networkRanges);
  const sets = ranges.filter((set) => set !== undefined);
  if (sets.length === 0 || sets.length < ranges.length) return undefined;
  return { addresses: complement(union(addressSetOf('127.0.0.0/8') ?? NOBODY, ...sets)), missing: [] };
}

function networksOf(named: Named): XmlElement[] {
  return [...named.values()].filter(({ name }) => name === 'Network');
}

/** Values of NetworkSetType (SDK, FpcNetworkSetType). */
const SELECTED = '0';
const ALL_BUT_SELECTED = '1';

function networkSetMembers(named: Named, set: XmlElement): Members {
  const name = childOf(set, 'Name')?.text ?? '';
  if (ANYBODY.test(name)) return known(EVERYBODY);
  const type = name === 'All Protected Networks' ? ALL_BUT_SELECTED : childOf(set, 'NetworkSetType')?.text;
  const selected =
    name === 'All Protected Networks'
      ? networksOf(named).filter(isExternal)
      : [...everyElement(set)]
          .filter((each) => each.name === 'Ref')
          .map((ref) => named.get(childOf(ref, 'Name')?.text ?? ''));
  if (selected.length === 0 || (type !== SELECTED && type !== ALL_BUT_SELECTED)) return undefined;
  const wanted = type === SELECTED ? selected : networksOf(named).filter((network) => !selected.includes(network));
  const members = wanted.map((network) => (network === undefined ? undefined : networkMembers(named, network)));
  const all = members.filter((each) => each !== undefined);
  if (all.length === 0 || all.length < members.length) return undefined;
  return { addresses: union(...all.map(({ addresses }) => addresses)), missing: all.flatMap(({ missing }) => missing) };
}

/** Sets that hold the addresses of TMG itself, by the names they come with. */
const OF_THIS_HOST = /^(?:All Protected Networks|Array Servers)$/;

/**
 * Whether what is sent to TMG itself is among the destinations: Local Host, every set that holds it, and where none is said. A set that is
 * not in the export, or that people put together of networks, counts as one that does, and as an exception never.
 */
export function coversThisHost(named: Named, references: readonly Reference[]): boolean {
  const holdsIt = ({ id, isText }: Reference, unsure: boolean): boolean => {
    if (isText) return ANYBODY.test(id);
    const element = named.get(id);
    const name = childOf(element, 'Name')?.text ?? '';
    if (element?.name === 'Network') return kindOf(element) === LOCAL_HOST;
    if (ANYBODY.test(name) || OF_THIS_HOST.test(name)) return true;
    return unsure && (element === undefined || element.name === 'NetworkSet');
  };
  const included = references.filter(({ isExcluded }) => !isExcluded);
  const excluded = references.filter(({ isExcluded }) => isExcluded);
  return (
    (included.length === 0 || included.some((each) => holdsIt(each, true))) &&
    !excluded.some((each) => holdsIt(each, false))
  );
}
