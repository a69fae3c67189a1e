// Room: what is known while a squid.conf is copied, and where the copy will stand: the words that the rooms of the copy share.
import type { Reader } from '@outrigger/importer';
import { parseAddress, type SourceRef } from '@outrigger/rules';
import type { OldServer, TakenOut } from '../oracle.ts';
import type { Entrance } from '../probe.ts';
import type { ClientLines } from './clients.ts';
import type { PortLine } from './ports.ts';

/** Where the copy lives: its folder, its ports, and a throwaway certificate there. */
export type Place = {
  folder: string;
  /** A folder the daemon may write into. */
  run: string;
  /** Names that probes ask for and addresses they come from: DNS is not asked for either. */
  names: readonly string[];
  addresses: readonly string[];
  /** The user the daemon shall change to; absent where it cannot. */
  user?: string;
  /** Loopback port for an address of a port line. */
  portOf(address: string): number;
  /** Loopback port of the stand-in for a peer. */
  serverPortOf(peer: string): number;
  cert: string;
  key: string;
  /** File of the authority behind the certificates of stand-ins. */
  ca: string;
};

/** A line of the copy; what stands in it may be known only where the copy is written. */
export type Line = string | ((place: Place) => string);
export type CopiedFile = { name: string; path: string; lines: Line[] };

export type Reading = {
  reader: Reader;
  main: string;
  files: CopiedFile[];
  values: { name: string; path: string; text: string }[];
  /** Files that are named and cannot be read: in the copy they are not there either. */
  absent: { name: string; path: string }[];
  ports: PortLine[];
  entrances: Entrance[];
  servers: OldServer[];
  /** Names by which peers are called, where TLS sends them. */
  peerNames: string[];
  takenOut: TakenOut[];
  /** Under configuration_includes_quoted_values a quote is a quote, and parameters("FILE") is a file (SQ-26). */
  quotes: boolean;
  clients: ClientLines;
  /** Some acl asks which address of the machine a request came to: each that ports name is one of loopback's own. */
  asksLocalAddress: boolean;
};

/** Where all ports are, unless an acl tells their addresses apart. */
const LOOPBACK = '127.0.0.1';

/** Where the addresses that an acl tells apart are. */
export const LOOPBACK_NETWORK = '127.0.1.0/24';

/** The address of loopback for one that a port listens on, `*` included; in the same order, so that a range stays one. */
export function loopbackOf(
  host: string,
  { ports, asksLocalAddress }: Pick<Reading, 'ports' | 'asksLocalAddress'>,
): string {
  const address = parseAddress(host);
  if (!asksLocalAddress || address === undefined) return LOOPBACK;
  const below = ports.flatMap((port) => parseAddress(port.host) ?? []).filter((each) => each < address);
  return `127.0.1.${new Set(below).size + 1}`;
}

/** The name in the copy of a file that cannot be read: it is not there either. */
export function absent(path: string, reading: Reading): string {
  const name = `absent-${reading.absent.length}.conf`;
  reading.absent.push({ name, path });
  return name;
}

/** Enters that the copy does without a line. */
export function takeOut(code: TakenOut['code'], why: string, at: SourceRef, reading: Reading): Line {
  reading.takenOut.push({ severity: 'note', code, at, message: why });
  return '';
}
