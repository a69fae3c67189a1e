// Room: how the copy of a squid.conf is told who connects. A probe names its client last in X-Forwarded-For and comes from an
// address that the copy believes first of all: one step back Squid is where it would be had that client connected, and the
// file's own follow_x_forwarded_for goes on from there. Every src acl stays as it was written. Pure.
//
// The PROXY protocol would do as well and is refused on an https_port (FATAL, Squid 5.7); src values rewritten to loopback
// addresses would be our reading of them, which is in question.
//
// miss_access alone asks src acls about the connection itself (FwdState::Start), which here is ours. So each acl that it names is
// asked one step back, what came of it is noted on the request (annotate_transaction, since Squid 4), and miss_access asks the
// note. For that step the client is named once more.
import type { Fields, Probe } from '../probe.ts';

/** Where probes to the copy come from. */
export const PROBES_COME_FROM = '127.84.79.82';

type NamedAcl = { type: string; terms: string[] };

/** What the lines of a file say that bears on who a request is from. */
export type ClientLines = {
  /** By name in lower case; groups with what they are made of. */
  acls: Map<string, NamedAcl>;
  /** Acls that miss_access names. */
  asked: Set<string>;
  /** The last follow_x_forwarded_for line: behind it stands its opposite. */
  lastFollow?: string;
  /** acl_uses_indirect_client off: acls see who connects, whatever the file follows. */
  direct: boolean;
};

export function noClientLines(): ClientLines {
  return { acls: new Map([['localhost', { type: 'src', terms: [] }]]), asked: new Set(), direct: false };
}

/** Enters an acl line: `values` as written. */
export function enterAcl({ acls }: ClientLines, name: string, type: string, values: readonly string[]): void {
  const known = acls.get(name.toLowerCase());
  if (known === undefined) acls.set(name.toLowerCase(), { type, terms: values.map(nameOf) });
  else known.terms.push(...values.map(nameOf));
}

/** Enters the terms of a miss_access line; what to write in their place once the whole file is read. */
export function enterMiss(lines: ClientLines, terms: readonly string[]): () => string[] {
  for (const term of terms) lines.asked.add(nameOf(term));
  return () => {
    const noted = notedAcls(lines);
    return terms.map((term) => {
      const index = noted.indexOf(nameOf(term));
      return index === -1 ? term : `${term.startsWith('!') ? '!' : ''}outrigger_was_${index}`;
    });
  };
}

/** Names that a deny_info line needs besides those it has: an acl that miss_access asks for has another there. */
export function notedNames(lines: ClientLines, acls: readonly string[]): string[] {
  const noted = notedAcls(lines);
  return acls.flatMap((acl) => {
    const index = noted.indexOf(nameOf(acl));
    return index === -1 ? [] : [`outrigger_was_${index}`];
  });
}

/** Enters a follow_x_forwarded_for line; what to write in its place once the whole file is read. */
export function enterFollow(lines: ClientLines, action: string): (terms: string) => string {
  lines.lastFollow = action;
  return (terms) => {
    if (lines.direct) return '';
    const waits = notedAcls(lines).length > 0 ? 'outrigger_asked ' : '';
    return `follow_x_forwarded_for ${action} ${waits}${terms}`;
  };
}

/** Lines in front of the file. */
export function linesBefore(lines: ClientLines): string[] {
  const noted = notedAcls(lines);
  return [
    `acl outrigger_probe src ${PROBES_COME_FROM}`,
    'follow_x_forwarded_for allow outrigger_probe',
    ...(noted.length === 0 ? [] : ['acl outrigger_asked note outrigger_asked 1']),
    ...noted.map((_name, index) => `acl outrigger_was_${index} note outrigger_was_${index} 1`),
  ];
}

/** Lines behind the file: acls are asked where they are known, and the opposite of the file's last line is its last line still. */
export function linesBehind(lines: ClientLines): string[] {
  const noted = notedAcls(lines);
  const isOpen = lines.lastFollow === 'deny' && !lines.direct;
  return [
    ...noted.flatMap((name, index) => [
      `acl outrigger_note_${index} annotate_transaction outrigger_was_${index}=1`,
      `follow_x_forwarded_for deny !outrigger_asked ${name} outrigger_note_${index} !all`,
    ]),
    ...(noted.length === 0
      ? []
      : [
          'acl outrigger_ask annotate_transaction outrigger_asked=1',
          'follow_x_forwarded_for allow !outrigger_asked outrigger_ask',
        ]),
    `follow_x_forwarded_for ${isOpen ? 'allow' : 'deny'} all`,
  ];
}

/** The field that tells the copy who connects, behind what the probe itself claims. */
export function clientField(lines: ClientLines, { client }: Probe): Fields {
  return [['X-Forwarded-For', notedAcls(lines).length === 0 ? client : `${client}, ${client}`]];
}

/** Acls of miss_access that ask for addresses, by themselves or inside groups. */
function notedAcls({ acls, asked }: ClientLines): string[] {
  const asksForAddresses = (name: string, within: readonly string[]): boolean => {
    const acl = acls.get(name);
    if (acl === undefined || within.includes(name)) return false;
    if (acl.type === 'src') return true;
    if (acl.type !== 'any-of' && acl.type !== 'all-of') return false;
    return acl.terms.some((term) => asksForAddresses(term, [...within, name]));
  };
  return [...asked].filter((name) => asksForAddresses(name, []));
}

function nameOf(term: string): string {
  return term.replace(/^!/, '').toLowerCase();
}
