// Room: the private copy of a squid.conf: every line as it is, but for those that would meet the machine. Squid reads the copy
// itself, so continuations, comments, includes and conditions are Squid's own reading; a line that is replaced is replaced
// where it stood, so that its number is the file's. Pure: texts in, texts out.
import {
  isGlob,
  type LogicalLine,
  logicalLines,
  pathBeside,
  type Reader,
  type Word,
  wordsOf,
} from '@outrigger/importer';
import type { SourceRef } from '@outrigger/rules';
import type { OldConfig } from '../oracle.ts';
import { PROBE_ADDRESSES } from '../subjects.ts';
import { copyAcl, copyDenyInfo, copyFollow, copyMissAccess, fromFiles } from './acls.ts';
import { type ClientLines, linesBefore, linesBehind, noClientLines } from './clients.ts';
import { copyPages, copyStylesheet } from './pages.ts';
import { type PeerLine, type PortLine, readPeerLine, readPortLine } from './ports.ts';
import { absent, type CopiedFile, type Line, loopbackOf, type Place, type Reading, takeOut } from './reading.ts';
import { ownSettings, takenOut } from './takenout.ts';

export type SquidCopy = OldConfig & {
  /** How it is told who connects. */
  clients: ClientLines;
  /** Addresses that need a loopback port each, and the entrance behind each, where it is one. */
  ports: readonly PortLine[];
  /** The address of loopback on which the port for an address listens. */
  hostOf(address: string): string;
  /** The files of the copy, by name in its folder; `squid.conf` is the one to start with. Bytes as latin1. */
  write(place: Place): Record<string, string>;
  /** A place in the copy as the place in the user's file: `copy-0.conf line 3` to `/etc/squid/squid.conf line 3`. */
  original(text: string): string;
};

/** Squid reads a physical line into BUFSIZ bytes, one for its end: the rest is the next line (SQ-11). */
const PHYSICAL_LINE_MAX = 8_191;
/** Deeper ones Squid refuses (cache_cf.cc, MAX_INCLUDE_DEPTH); one more is copied, so that it can. */
const INCLUDE_DEPTH_MAX = 17;
/** What an importer takes them for as well: Squid as a daemon with one worker (SQ-14). The copy runs otherwise. */
const MACROS: Readonly<Record<string, string>> = {
  service_name: 'squid',
  process_name: 'squid',
  process_number: '1',
};

/** Where all names of probes are (RFC 5737), and what all their addresses are called (RFC 6761): no acl of anybody's knows either. */
const SOMEWHERE = '192.0.2.254';
const SOMEBODY = 'probe.invalid';

/** Some acls ask DNS (dst, srcdomain, dstdomain for a Host that is an address): here they get an answer, at once. */
function hostsFile({ names, addresses }: Place, peers: readonly string[]): string {
  return [
    ...peers.map((name) => `127.0.0.1 ${name}\n`),
    ...names.filter((name) => !peers.includes(name)).map((name) => `${SOMEWHERE} ${name}\n`),
    ...[...addresses, ...PROBE_ADDRESSES].map((address) => `${address} ${SOMEBODY}\n`),
  ].join('');
}

/** Reads a squid.conf (more than one: as if each stood where the one before ends) for the experiment. */
export function copySquid({ files, reader }: { files: readonly string[]; reader: Reader }): SquidCopy {
  const reading: Reading = {
    reader,
    main: files[0] ?? '',
    files: [],
    values: [],
    absent: [],
    ports: [],
    entrances: [],
    servers: [],
    peerNames: [],
    takenOut: [],
    quotes: false,
    clients: noClientLines(),
    asksLocalAddress: false,
  };
  const mains = files.map((path) => copyFile(path, [], reading));
  return {
    clients: reading.clients,
    ports: reading.ports,
    hostOf: (address) => {
      const port = reading.ports.find((each) => each.address === address);
      return loopbackOf(port?.host ?? '*', reading);
    },
    entrances: reading.entrances,
    servers: reading.servers,
    takenOut: reading.takenOut,
    write: (place) => ({
      'squid.conf': [
        ...linesBefore(reading.clients),
        ...mains.map((name) => `include ${place.folder}/${name}`),
        ...linesBehind(reading.clients),
        ...ownSettings({ ...place, hosts: `${place.folder}/hosts` }),
      ]
        .map((line) => `${line}\n`)
        .join(''),
      hosts: hostsFile(place, reading.peerNames),
      ...Object.fromEntries(reading.files.map(({ name, lines }) => [name, written(lines, place)])),
      ...Object.fromEntries(reading.values.map(({ name, text }) => [name, text])),
    }),
    original: (text) =>
      [...reading.files, ...reading.values, ...reading.absent].reduce(
        (shown, { name, path }) => shown.replace(new RegExp(`\\S*/${name.replace('.', '\\.')}\\b`, 'g'), () => path),
        text,
      ),
  };
}

function written(lines: readonly Line[], place: Place): string {
  return lines
    .map((line) => (typeof line === 'string' ? line : line(place)))
    .join('\n')
    .replace(/\$\{(\w+)\}/g, (macro, name: string) => MACROS[name] ?? macro);
}

/** Copies one file and what it includes; its name in the copy. A file that cannot be read is one that is not there. */
function copyFile(path: string, chain: readonly string[], reading: Reading): string {
  const result = reading.reader.read(path);
  if (result.kind === 'missing' || chain.length > INCLUDE_DEPTH_MAX) return absent(path, reading);
  // Each piece of a line that Squid cuts is a line of the copy: read the same, and replaced alone.
  const text = result.file.text.replace(new RegExp(`[^\\n]{${PHYSICAL_LINE_MAX}}(?=[^\\n])`, 'g'), '$&\n');
  const copied: CopiedFile = { name: `copy-${reading.files.length}.conf`, path, lines: text.split('\n') };
  reading.files.push(copied);
  for (const line of logicalLines({ path, text })) {
    if (line.unfinished) continue;
    const replacement = replaced(line, [...chain, path], reading);
    if (replacement === undefined) continue;
    const first = line.line - 1;
    const last = (line.joints.at(-1)?.line ?? line.line) - 1;
    for (let index = first; index <= last; index += 1) copied.lines[index] = '';
    copied.lines[first] = replacement;
  }
  return copied.name;
}

/** What stands in the copy in place of a line; undefined where the line stays. */
function replaced(line: LogicalLine, chain: readonly string[], reading: Reading): Line | undefined {
  const [name, ...words] = wordsOf(line);
  if (name === undefined) return undefined;
  const at: SourceRef = { file: line.file, line: line.line, directive: name.text };
  const out = takenOut(name.text);
  if (out !== undefined) return takeOut(out.code, out.why, at, reading);
  switch (name.text) {
    case 'include':
      return include(words, at, chain, reading);
    case 'http_port':
    case 'https_port':
      return port(name.text, words, at, reading);
    case 'cache_peer':
      return peer(words, at, reading);
    case 'configuration_includes_quoted_values':
      reading.quotes = words[0]?.text === 'on';
      return undefined;
    case 'acl':
      return copyAcl(line, words, at, reading);
    case 'error_directory':
      return copyPages(at, words, reading);
    case 'err_page_stylesheet':
      return copyStylesheet(at, words, reading);
    case 'miss_access':
      return copyMissAccess(line, words, reading);
    case 'deny_info':
      return copyDenyInfo(line, words, reading);
    case 'follow_x_forwarded_for':
      return copyFollow(line, words, reading);
    case 'acl_uses_indirect_client':
      reading.clients.direct = words[0]?.text === 'off';
      return '';
    default:
      return /_access$/.test(name.text) ? fromFiles(line, words, reading) : undefined;
  }
}

function include(words: readonly Word[], at: SourceRef, chain: readonly string[], reading: Reading): Line {
  const names = words.map(({ text }) => text.replace(/^"(.*)"$/, '$1'));
  const command = names.find((name) => /^[!|]/.test(name));
  if (command !== undefined) {
    return takeOut(
      'COMMAND_TAKEN_OUT',
      'runs a command and reads what it prints, which a comparison never does',
      at,
      reading,
    );
  }
  const copies = names.flatMap((name) => {
    const pattern = pathBeside(reading.main, name);
    const paths = isGlob(pattern) ? reading.reader.glob(pattern) : [pattern];
    return paths.length === 0 ? [absent(name, reading)] : paths.map((path) => copyFile(path, chain, reading));
  });
  return ({ folder }) => `include ${copies.map((copy) => `${folder}/${copy}`).join(' ')}`;
}

function port(kind: string, words: readonly Word[], at: SourceRef, reading: Reading): Line | undefined {
  const read = readPortLine(kind, words);
  if (read === undefined) return undefined;
  if (read === 'intercepts') {
    return takeOut(
      'MACHINE_TAKEN_OUT',
      'intercepts connections, for which the kernel would have to be set up',
      at,
      reading,
    );
  }
  const taken = reading.ports.some(({ address }) => address === read.address);
  reading.ports.push(read);
  if (!taken) reading.entrances.push({ name: read.name, address: read.address, tls: read.tls, at });
  return ({ portOf, cert, key }) =>
    read.write({ host: loopbackOf(read.host, reading), port: portOf(read.address), cert, key });
}

function peer(words: readonly Word[], at: SourceRef, reading: Reading): Line | undefined {
  const read: PeerLine | undefined = readPeerLine(words);
  if (read === undefined) return undefined;
  reading.servers.push({ name: read.name, url: read.url, names: read.names, at });
  if (read.hostName !== undefined) reading.peerNames.push(read.hostName.toLowerCase());
  return ({ serverPortOf, ca }) => read.write({ port: serverPortOf(read.name), ca });
}
