// Room: acl values that are addresses, ports, schemes, methods and the listeners they name.
import { type AddressRange, addressTest, parseAddressRange } from '@outrigger/rules';
import type { AclValue } from './acl.ts';
import { type Meaning, type MeaningContext, meant, urlReplaced, type ValueNote } from './meaning.ts';

/** Methods that Squid 5 knows; those it reads in any case, all others as they are (http/MethodType.h, SQ-60). */
export const KNOWN_METHODS: ReadonlySet<string> = new Set(
  `GET POST PUT HEAD CONNECT TRACE OPTIONS DELETE CHECKOUT CHECKIN UNCHECKOUT MKWORKSPACE VERSION-CONTROL REPORT UPDATE LABEL
  MERGE BASELINE-CONTROL MKACTIVITY PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK SEARCH PRI PURGE`.split(/\s+/),
);

const PORT_MAX = 65_535;

/**
 * Addresses, CIDR, netmasks, ranges; names are resolved when Squid starts (SQ-65 to SQ-67). `unseen`: why rules do not see the
 * address that is meant.
 */
export function addresses(values: readonly AclValue[], unseen: string | undefined): Meaning {
  const notes: ValueNote[] = [];
  const clients: string[] = [];
  for (const { text } of values) {
    if (EVERYBODY.includes(text)) return { kind: 'always', notes };
    if (/^\[|^none$/.test(text)) {
      notes.push({
        code: 'SQUID_ACL_BAD',
        message:
          text === 'none'
            ? 'none stops Squid from starting'
            : `${text}: an address in brackets stops Squid from starting`,
        grave: true,
      });
      continue;
    }
    const nobody = MATCHES_NOBODY.includes(text);
    const read = nobody ? undefined : readAddress(text);
    if (read === undefined) {
      const reason = nobody
        ? `${text} looks like all clients, and Squid 5 was seen to match nobody by it; write what is meant`
        : `${text} is a name that Squid resolves when it starts; write the address`;
      return { kind: 'inexpressible', reason, notes };
    }
    if (text === 'localhost') notes.push(LOCALHOST);
    clients.push(...read);
  }
  if (unseen !== undefined) return { kind: 'inexpressible', reason: unseen, notes };
  return clients.length === 0 ? { kind: 'never', notes } : meant({ clients }, notes);
}

/** The same addresses of who connects, whoever the client is. */
export function connections(values: readonly AclValue[]): Meaning {
  const meaning = addresses(values, undefined);
  if (meaning.kind !== 'condition') return meaning;
  return meant({ connectsFrom: meaning.condition.clients ?? [] }, meaning.notes);
}

/**
 * Values of the lines of one src acl as Squid keeps them: one that overlaps a value before it is dropped, be it the wider one
 * (acl/Ip.cc, acl_ip_data::NetworkCompare; Squid 5.7 warns and goes on).
 */
export function keptAddresses(lines: readonly (readonly AclValue[])[]): { values: AclValue[]; notes: ValueNote[] }[] {
  const kept: AddressRange[] = [];
  return lines.map((values) => {
    const notes: ValueNote[] = [];
    return {
      values: values.filter(({ text }) => {
        const ranges = (readAddress(text) ?? []).map(parseAddressRange).filter((range) => range !== undefined);
        // Everybody overlaps whatever stands before; where nothing does, it takes all and no later value matters.
        const isLost = EVERYBODY.includes(text)
          ? kept.length > 0
          : ranges.map((range) => insertApart(kept, range)).includes('lost');
        if (!isLost) return true;
        const message = `${text} overlaps an address before it, and Squid drops what comes later: it never matches`;
        notes.push({ code: 'SQUID_ACL_BAD', message, hint: 'Put the wider one alone, if it was meant.' });
        return false;
      }),
      notes,
    };
  });
}

/** Adds a range to `sorted` unless it overlaps one that is there: by which it is covered, or to which a part of it is lost. */
function insertApart(sorted: AddressRange[], range: AddressRange): 'added' | 'covered' | 'lost' {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = sorted[middle];
    if (other !== undefined && other.last < range.first) low = middle + 1;
    else high = middle;
  }
  const next = sorted[low];
  if (next !== undefined && next.first <= range.last)
    return next.first <= range.first && range.last <= next.last ? 'covered' : 'lost';
  sorted.splice(low, 0, range);
  return 'added';
}

const ADDRESS_WORDS: Readonly<Record<string, string[]>> = {
  localhost: ['127.0.0.1', '::1'],
  // What Squid 5.7 matches by it, asked at both ends of each range: neither ::1 nor the deprecated and reserved rest.
  ipv6: ['1000::-efff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'fc00::/7', 'fe80::/10'],
};

/** Every address, as rules write it. */
export const EVERY_ADDRESS: readonly string[] = ['0.0.0.0/0', '::/0'];

/** Words by which every client matches. */
const EVERYBODY = ['all', '0/0', '0.0.0.0/0', '0.0.0.0/0.0.0.0'];

/** Words that Squid 5.7 takes and by which no client matches. */
const MATCHES_NOBODY = ['::/0', 'ipv4'];

const LOCALHOST: ValueNote = {
  code: 'SQUID_LOCALHOST',
  message: 'localhost is taken for 127.0.0.1 and ::1; Squid asks the hosts file of its machine when it starts',
  concerns: { clients: ['127.0.0.0/8', '::1'] },
};

function readAddress(text: string): string[] | undefined {
  const word = ADDRESS_WORDS[text];
  if (word !== undefined) return word;
  const masked = /^([\d.]+)\/(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const written = masked === null ? text : `${masked[1]}/${prefixOf(masked[2] ?? '')}`;
  return parseAddressRange(written) === undefined ? undefined : [written];
}

/** Bits of a netmask up to its first zero: how Squid reads one with holes, with a warning (SQ-66). */
function prefixOf(mask: string): number {
  const bits = mask
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('');
  return bits.indexOf('0') === -1 ? 32 : bits.indexOf('0');
}

/** A client has more connections open than the first number; what stands behind it counts for nothing (acl/MaxConnection.cc, seen on 5.7). */
export function connectionCounts([value]: readonly AclValue[]): Meaning {
  const connectionsOver = Number(/^\d{1,9}/.exec(value?.text ?? '')?.[0] ?? 0);
  if (connectionsOver === 0) {
    const message = `${value?.text} is no number of connections: Squid does not start`;
    return { kind: 'never', notes: [{ code: 'SQUID_ACL_BAD', message, grave: true }] };
  }
  const reason = 'of IPv6 a /64 counts as one client, where Squid counted each address';
  return { kind: 'approximate', condition: { connectionsOver }, reason, notes: [] };
}

export function methods(values: readonly AclValue[]): Meaning {
  // In a list of the rules a `!` turns its entry around; no client sends such a method.
  const names = values
    .filter(({ text }) => !text.startsWith('!'))
    .map(({ text }) => (KNOWN_METHODS.has(text.toUpperCase()) ? text.toUpperCase() : text));
  const note: ValueNote = {
    code: 'SQUID_METHOD_CASE',
    message: 'Squid takes a method it knows in any case (put as PUT); here methods are compared as sent',
  };
  if (names.length === 0) return { kind: 'never', notes: [] };
  return meant({ methods: [...new Set(names)] }, names.some((name) => KNOWN_METHODS.has(name)) ? [note] : []);
}

type Range = { first: number; last: number };

function readRanges(values: readonly AclValue[]): { ranges: Range[]; notes: ValueNote[] } {
  const notes: ValueNote[] = [];
  const ranges: Range[] = [];
  for (const { text } of values) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(text);
    const first = Number(match?.[1]);
    const last = match?.[2] === undefined ? first : Number(match[2]);
    if (match === null || last < first || last > PORT_MAX) {
      notes.push({ code: 'SQUID_ACL_BAD', message: `${text} is no port and no range of ports`, grave: true });
    } else {
      ranges.push({ first, last });
    }
  }
  return { ranges, notes };
}

/** The port of the URL: of the Host, else of the scheme (SQ-62). */
export function ports(values: readonly AclValue[], context: MeaningContext): Meaning {
  const { ranges, notes } = readRanges(values);
  const fixed = context.site === undefined ? context.replacedPort?.number : undefined;
  if (fixed !== undefined)
    return { kind: ranges.some(({ first, last }) => first <= fixed && fixed <= last) ? 'always' : 'never', notes };
  if ((context.site ?? context.replacedPort) !== undefined) return urlReplaced(context);
  if (ranges.length === 0) return { kind: 'never', notes };
  if (ranges.some(({ first, last }) => first <= 1 && last >= PORT_MAX)) return { kind: 'always', notes };
  const entries = ranges
    .map(({ first, last }) => ({ first: Math.max(first, 1), last }))
    .filter(({ last }) => last > 0)
    .map(({ first, last }) => (first === last ? first : `${first}-${last}`));
  return entries.length === 0 ? { kind: 'never', notes } : meant({ ports: [...new Set(entries)] }, notes);
}

/**
 * The scheme of the URL: of an absolute target, else of the listener (SQ-61), and of the listener alone where it replaces the Host
 * (SQ-106). Outrigger serves http and https alone.
 */
export function schemes(values: readonly AclValue[], { site, ports: all }: MeaningContext): Meaning {
  const wanted = new Set(
    values.map(({ text }) => text.toLowerCase()).filter((scheme) => scheme === 'http' || scheme === 'https'),
  );
  if (wanted.size === 2) return { kind: 'always', notes: [] };
  const [scheme] = wanted;
  if (scheme !== undefined && site !== undefined) return listeners(all, ({ tls }) => tls === (scheme === 'https'));
  return scheme === undefined ? { kind: 'never', notes: [] } : meant({ url: [{ regex: `^${scheme}://` }] }, []);
}

export function listeners(
  all: MeaningContext['ports'],
  holds: (port: MeaningContext['ports'][number]) => boolean,
  notes: ValueNote[] = [],
): Meaning {
  const matching = all.filter(holds);
  if (matching.length === 0) return { kind: 'never', notes };
  if (matching.length === all.length) return { kind: 'always', notes };
  return meant({ listeners: matching.map(({ listener }) => listener) }, notes);
}

export function localPorts(values: readonly AclValue[], { ports: all }: MeaningContext): Meaning {
  const { ranges, notes } = readRanges(values);
  return listeners(all, ({ port }) => ranges.some(({ first, last }) => first <= port && port <= last), notes);
}

/** The address a connection came to: of the listener, where each has one. Addresses and ranges as in `src`. */
export function localAddresses(values: readonly AclValue[], { ports: all }: MeaningContext): Meaning {
  const meaning = addresses(values, undefined);
  if (meaning.kind !== 'condition') return meaning;
  if (all.some(({ host }) => host === undefined || parseAddressRange(host) === undefined)) {
    const reason = 'a port listens on every address, or on that of a name, and rules know listeners, not addresses';
    return { kind: 'inexpressible', reason, notes: [] };
  }
  const isMeant = addressTest(meaning.condition.clients ?? []);
  return listeners(all, ({ host = '' }) => isMeant(host), meaning.notes);
}
