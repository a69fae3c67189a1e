// Room: the private copy of a squid.conf: every line as it is, but for those that would meet the machine. Squid reads the copy
// itself, so continuations, comments, includes and conditions are Squid's own reading; a line that is replaced is replaced
// where it stood, so that its number is the file's. Pure: texts in, texts out.
//
// Clients are named in X-Forwarded-For, and the copy says `follow_x_forwarded_for allow all`: then src acls see that address,
// through both kinds of port, with every acl line as it was written. The PROXY protocol would do as well and is refused on an
// https_port (FATAL, Squid 5.7); src values rewritten to loopback addresses would be our reading of them, which is in question.
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
import type { OldConfig, OldServer, TakenOut } from '../oracle.ts';
import type { Entrance } from '../probe.ts';
import { PROBE_ADDRESSES } from '../subjects.ts';
import { type PeerLine, type PortLine, readPeerLine, readPortLine } from './ports.ts';
import { HELPER_ACLS, ownSettings, takenOut } from './takenout.ts';

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
};

export type SquidCopy = OldConfig & {
  /** Addresses that need a loopback port each, and the entrance behind each, where it is one. */
  ports: readonly PortLine[];
  /** The files of the copy, by name in its folder; `squid.conf` is the one to start with. Bytes as latin1. */
  write(place: Place): Record<string, string>;
  /** A place in the copy as the place in the user's file: `copy-0.conf line 3` to `/etc/squid/squid.conf line 3`. */
  original(text: string): string;
};

type Line = string | ((place: Place) => string);
type CopiedFile = { name: string; path: string; lines: Line[] };

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

/** An address that no client has: the acls of helpers match nobody. */
const NOBODY = '255.255.255.255';

/** Where all names of probes are (RFC 5737), and what all their addresses are called (RFC 6761): no acl of anybody's knows either. */
const SOMEWHERE = '192.0.2.254';
const SOMEBODY = 'probe.invalid';

/** Some acls ask DNS (dst, srcdomain, dstdomain for a Host that is an address): here they get an answer, at once. */
function hostsFile({ names, addresses }: Place): string {
  return [
    ...names.map((name) => `${SOMEWHERE} ${name}\n`),
    ...[...addresses, ...PROBE_ADDRESSES].map((address) => `${address} ${SOMEBODY}\n`),
  ].join('');
}

type Reading = {
  reader: Reader;
  main: string;
  files: CopiedFile[];
  values: { name: string; path: string; text: string }[];
  /** Files that are named and cannot be read: in the copy they are not there either. */
  absent: { name: string; path: string }[];
  ports: PortLine[];
  entrances: Entrance[];
  servers: OldServer[];
  takenOut: TakenOut[];
  /** Under configuration_includes_quoted_values a quote is a quote, and parameters("FILE") is a file (SQ-26). */
  quotes: boolean;
};

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
    takenOut: [],
    quotes: false,
  };
  const mains = files.map((path) => copyFile(path, [], reading));
  return {
    ports: reading.ports,
    entrances: reading.entrances,
    servers: reading.servers,
    takenOut: reading.takenOut,
    write: (place) => ({
      'squid.conf': [
        ...mains.map((name) => `include ${place.folder}/${name}`),
        ...ownSettings({ ...place, hosts: `${place.folder}/hosts` }),
      ]
        .map((line) => `${line}\n`)
        .join(''),
      hosts: hostsFile(place),
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
      return acl(line, words, at, reading);
    default:
      return /_access$|^deny_info$/.test(name.text) ? fromFiles(line, words, reading) : undefined;
  }
}

function absent(path: string, reading: Reading): string {
  const name = `absent-${reading.absent.length}.conf`;
  reading.absent.push({ name, path });
  return name;
}

function takeOut(code: TakenOut['code'], why: string, at: SourceRef, reading: Reading): Line {
  reading.takenOut.push({ severity: 'note', code, at, message: why });
  return '';
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
  return ({ portOf, cert, key }) => read.write({ port: portOf(read.address), cert, key });
}

function peer(words: readonly Word[], at: SourceRef, reading: Reading): Line | undefined {
  const read: PeerLine | undefined = readPeerLine(words);
  if (read === undefined) return undefined;
  reading.servers.push({ name: read.name, url: read.url, at });
  return ({ serverPortOf }) => read.write(serverPortOf(read.name));
}

function acl(line: LogicalLine, words: readonly Word[], at: SourceRef, reading: Reading): Line | undefined {
  const [name, type, ...values] = words;
  if (name === undefined || type === undefined) return undefined;
  if (HELPER_ACLS.includes(type.text)) {
    const why = 'asks a helper, which is not run: the acl is there and never matches';
    takeOut('COMMAND_TAKEN_OUT', why, at, reading);
    return `acl ${name.text} src ${NOBODY}`;
  }
  if (type.text === 'localport' || type.text === 'myport') {
    const ranges = values.map(({ text }) => /^(\d+)(?:-(\d+))?$/.exec(text));
    if (ranges.some((range) => range === null)) return undefined;
    return ({ portOf }) => {
      const meant = reading.ports.filter(({ port: old }) =>
        ranges.some((range) => Number(range?.[1]) <= old && old <= Number(range?.[2] ?? range?.[1])),
      );
      // No loopback port of the copy is 1: an acl whose ports are not served stays one.
      const mapped = meant.length === 0 ? [1] : [...new Set(meant.map(({ address }) => portOf(address)))];
      return `acl ${name.text} ${type.text} ${mapped.join(' ')}`;
    };
  }
  return fromFiles(line, values, reading);
}

/** What stands before a quote, the quote, and the name of a file up to the next one or the end of the line. */
const QUOTED = /^()(["'])(.*?)(?:\2|$)/s;
const PARAMETERS = /^(parameters\()(["'])(.*?)(?:\2|$)/s;

/** A word that begins with a quote names a file (SQ-20): the copy has its own of it, or none where there is none. */
function fromFiles(line: LogicalLine, words: readonly Word[], reading: Reading): Line | undefined {
  const named = reading.quotes ? PARAMETERS : QUOTED;
  const word = words.find(({ text }) => named.test(text));
  const match = word && named.exec(line.text.slice(word.offset));
  if (word === undefined || !match) return undefined;
  const [whole, before = '', quote = '', name = ''] = match;
  const result = reading.reader.read(pathBeside(reading.main, name));
  const copy = result.kind === 'missing' ? absent(name, reading) : `values-${reading.values.length}.txt`;
  if (result.kind === 'file') reading.values.push({ name: copy, path: name, text: result.file.text });
  const start = word.offset + before.length;
  const [head, tail] = [line.text.slice(0, start), line.text.slice(word.offset + whole.length)];
  return ({ folder }) => `${head}${quote}${folder}/${copy}${quote}${tail}`;
}
