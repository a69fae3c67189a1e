// Room: lines of the private copy that define acls or name them in a list: left as they are, but for what means another thing on
// loopback. Pure.
import { type LogicalLine, pathBeside, type Word } from '@outrigger/importer';
import { parseAddress, parseAddressRange, type SourceRef } from '@outrigger/rules';
import { enterAcl, enterFollow, enterMiss, notedNames } from './clients.ts';
import { absent, type Line, LOOPBACK_NETWORK, loopbackOf, type Place, type Reading, takeOut } from './reading.ts';
import { HELPER_ACLS } from './takenout.ts';

/** An address that no client has: the acls of helpers match nobody. */
const NOBODY = '255.255.255.255';

/** Replaces an acl line that would mean another thing here, or names a file. */
export function copyAcl(line: LogicalLine, words: readonly Word[], at: SourceRef, reading: Reading): Line | undefined {
  const [name, type, ...values] = words;
  if (name === undefined || type === undefined) return undefined;
  if (HELPER_ACLS.includes(type.text)) {
    const why = 'asks a helper, which is not run: the acl is there and never matches';
    takeOut('COMMAND_TAKEN_OUT', why, at, reading);
    return `acl ${name.text} src ${NOBODY}`;
  }
  enterAcl(
    reading.clients,
    name.text,
    type.text,
    values.map(({ text }) => text),
  );
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
  if (type.text === 'localip' || type.text === 'myip') {
    reading.asksLocalAddress = true;
    const texts = values.map(({ text }) => text);
    return () => `acl ${name.text} ${type.text} ${localAddresses(texts, reading).join(' ')}`;
  }
  return fromFiles(line, values, reading);
}

/**
 * Values for loopback, one for each: Squid drops one that overlaps another, and is to do so here, so a range stays a range. One over
 * all ports is one over all of loopback's own; nobody's address stands for what no port has.
 */
function localAddresses(values: readonly string[], reading: Reading): string[] {
  const ports = reading.ports.filter(({ host }) => parseAddress(host) !== undefined);
  return values.map((value) => {
    const range = parseAddressRange(value);
    if (range === undefined) return value;
    const meant = ports
      .map(({ host }) => ({ host, address: parseAddress(host) ?? 0n }))
      .filter(({ address }) => range.first <= address && address <= range.last)
      .sort((a, b) => (a.address < b.address ? -1 : 1));
    const [lowest, highest] = [meant[0], meant.at(-1)];
    if (lowest === undefined || highest === undefined) return NOBODY;
    if (range.first < range.last && meant.length === ports.length) return LOOPBACK_NETWORK;
    const [first, last] = [loopbackOf(lowest.host, reading), loopbackOf(highest.host, reading)];
    return first === last ? first : `${first}-${last}`;
  });
}

/** The acls of miss_access, where they ask for addresses, go by what they said of the client (clients.ts). */
export function copyMissAccess(
  line: LogicalLine,
  [action, ...terms]: readonly Word[],
  reading: Reading,
): Line | undefined {
  const named = fromFiles(line, terms, reading);
  if (named !== undefined || action === undefined) return named;
  const mapped = enterMiss(
    reading.clients,
    terms.map(({ text }) => text),
  );
  return () => ['miss_access', action.text, ...mapped()].join(' ');
}

/** A denial of miss_access goes by the acl that was asked last, by whatever name it was. */
export function copyDenyInfo(
  line: LogicalLine,
  [answer, ...acls]: readonly Word[],
  reading: Reading,
): Line | undefined {
  const named = fromFiles(line, acls, reading);
  if (named !== undefined || answer === undefined) return named;
  const texts = acls.map(({ text }) => text);
  return () => {
    const noted = notedNames(reading.clients, texts);
    return noted.length === 0 ? line.text : ['deny_info', answer.text, ...texts, ...noted].join(' ');
  };
}

/** follow_x_forwarded_for goes on where the copy's own leaves off (clients.ts). */
export function copyFollow(line: LogicalLine, words: readonly Word[], reading: Reading): Line | undefined {
  const [action, first] = words;
  if (action === undefined || first === undefined) return undefined;
  const named = fromFiles(line, words.slice(1), reading);
  const shift = first.offset;
  const terms = (place: Place): string => {
    const text = named === undefined ? line.text : typeof named === 'string' ? named : named(place);
    return text.slice(shift);
  };
  const written = enterFollow(reading.clients, action.text);
  return (place) => written(terms(place));
}

/** What stands before a quote, the quote, and the name of a file up to the next one or the end of the line. */
const QUOTED = /^()(["'])(.*?)(?:\2|$)/s;
const PARAMETERS = /^(parameters\()(["'])(.*?)(?:\2|$)/s;

/** A word that begins with a quote names a file (SQ-20): the copy has its own of it, or none where there is none. */
export function fromFiles(line: LogicalLine, words: readonly Word[], reading: Reading): Line | undefined {
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
