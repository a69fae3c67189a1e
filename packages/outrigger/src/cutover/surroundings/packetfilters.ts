// Room: packet filters by their files: firewalld, ufw, iptables and nftables. Told is what a cut-over meets: ports that lead elsewhere, rules for
// one user alone, loopback that is shut, ports that are not open yet. Sources: iptables-extensions(8), nft(8), firewalld.zone(5), ufw-framework(8).
import type { Around, SurroundingStep } from './surroundings.ts';
import { linesOf, place, type TextLine, withoutComments } from './textfiles.ts';

/** A filter: its files, whether it is in use, and how a port is opened in it. */
type PacketFilter = {
  name: string;
  files: string[];
  isUsed: (reader: Around['reader']) => boolean;
  /** `file`: the first one that is there. */
  open: (port: number, file: string) => string[];
};

/** Folders of systemd in which a service that starts with the machine has a link. */
const WANTED = '/etc/systemd/system/multi-user.target.wants';

const FILTERS: readonly PacketFilter[] = [
  {
    name: 'firewalld',
    files: ['/etc/firewalld/zones/*.xml', '/etc/firewalld/direct.xml'],
    isUsed: (reader) => (reader.list(WANTED) ?? []).some(({ name }) => name === 'firewalld.service'),
    open: (port) => [`firewall-cmd --permanent --add-port=${port}/tcp`, 'firewall-cmd --reload'],
  },
  {
    name: 'ufw',
    files: ['/etc/ufw/before.rules', '/etc/ufw/before6.rules', '/etc/ufw/user.rules', '/etc/ufw/user6.rules'],
    isUsed: (reader) => linesOf(reader, ['/etc/ufw/ufw.conf']).some(({ text }) => /^ENABLED=yes\b/i.test(text)),
    open: (port) => [`ufw allow ${port}/tcp`],
  },
  {
    name: 'iptables',
    files: ['/etc/iptables/rules.v4', '/etc/iptables/rules.v6', '/etc/sysconfig/iptables', '/etc/sysconfig/ip6tables'],
    isUsed: () => true,
    open: (port, file) => [`# in ${file}, before what refuses: -A INPUT -p tcp --dport ${port} -j ACCEPT`],
  },
  {
    name: 'nftables',
    files: ['/etc/nftables.conf', '/etc/sysconfig/nftables.conf', '/etc/nftables/*.nft'],
    isUsed: () => true,
    open: (port, file) => [`# in ${file}, in the chain of input: tcp dport ${port} accept`],
  },
];

/** One thing that a line says, in each of the notations. */
const SAYS = {
  /** Whatever no other line takes is thrown away. */
  closes:
    /^:(?:INPUT|ufw-\w*input) DROP\b|^-A INPUT(?: -m comment --comment \S+)? -j (?:DROP|REJECT)\b|\bhook input\b.*\bpolicy drop\b|<zone\b(?![^>]*\btarget="ACCEPT")/,
  letsLoopbackIn:
    /^-A \S*[Ii][Nn][Pp][Uu][Tt] (?:.* )?-i lo (?:.* )?-j ACCEPT\b|\biif(?:name)? "?lo"? .*accept\b|<zone\b/,
  leadsElsewhere: /-j (?:REDIRECT|DNAT)\b|\b(?:redirect|dnat)\b|<forward-port\b/,
  asksForUser: /--[ug]id-owner (\S+)|\bsk[ug]id (?:!= )?(\S+)/,
} as const;

export function packetFilterSteps(around: Around): SurroundingStep[] {
  return FILTERS.flatMap((filter) => {
    const lines = withoutComments(linesOf(around.reader, filter.files));
    if (lines.length === 0 || !filter.isUsed(around.reader)) return [];
    return [
      ...elsewhereSteps(around, filter, lines),
      ...userSteps(around, filter, lines),
      ...loopbackSteps(around, filter, lines),
      ...openSteps(around, filter, lines),
    ];
  });
}

function elsewhereSteps({ taken, holder }: Around, { name }: PacketFilter, lines: TextLine[]): SurroundingStep[] {
  const found = lines.filter(
    ({ text }) => SAYS.leadsElsewhere.test(text) && taken.some((port) => portsIn(text).has(port)),
  );
  return found.map((line) => ({
    when: 'before',
    must: true,
    title: `Let ${name} lead no port of Outrigger elsewhere (${place(line)})`,
    why: `it was made for ${holder}; clients that it leads away never meet Outrigger, so take it out, or let it lead to a listener of the rules`,
    commands: [`# ${line.text.trim()}`],
  }));
}

function userSteps({ user }: Around, { name }: PacketFilter, lines: TextLine[]): SurroundingStep[] {
  const owned = lines.filter(({ text }) => SAYS.asksForUser.test(text));
  const isKnown = owned.some(({ text }) => userIn(text) === user);
  if (owned.length === 0 || isKnown) return [];
  const users = [...new Set(owned.map(({ text }) => userIn(text)))].join(', ');
  return [
    {
      when: 'before',
      must: true,
      title: `Let ${user} connect to Exchange (${owned.map(place).join(', ')})`,
      why: `there are rules in ${name} for what ${users} sends; what went to Exchange as that user goes as ${user} from now on`,
      commands: owned.map(({ text }) => `# ${text.trim()}`),
    },
  ];
}

function loopbackSteps({ holder }: Around, { name }: PacketFilter, lines: TextLine[]): SurroundingStep[] {
  const closed = lines.find(({ text }) => SAYS.closes.test(text));
  if (holder !== 'Apache' || closed === undefined || lines.some(({ text }) => SAYS.letsLoopbackIn.test(text)))
    return [];
  return [
    {
      when: 'before',
      must: true,
      title: `Let loopback in (${place(closed)})`,
      why: `what no line of ${name} names is shut out, and none names loopback, over which Outrigger reaches Apache`,
      commands:
        name === 'nftables'
          ? [`# in ${closed.file}, first in the chain of input: iif lo accept`]
          : [`# in ${closed.file}, first: -A INPUT -i lo -j ACCEPT`],
    },
  ];
}

function openSteps({ fresh }: Around, { name, open }: PacketFilter, lines: TextLine[]): SurroundingStep[] {
  const [first] = lines;
  const isClosed = lines.some(({ text }) => SAYS.closes.test(text));
  const shut = fresh.filter((port) => !lines.some(({ text }) => portsIn(text).has(port)));
  if (first === undefined || !isClosed || shut.length === 0) return [];
  return [
    {
      when: 'after',
      title: `Open port ${shut.join(', ')} in ${name}`,
      why: 'the rules listen there, nobody did before, and no line of its files names it; what changes hands stays open as it is',
      commands: shut.flatMap((port) => open(port, first.file)),
    },
  ];
}

function userIn(text: string): string | undefined {
  const [, iptables, nft] = SAYS.asksForUser.exec(text) ?? [];
  return iptables ?? nft?.replace(/"/g, '');
}

/** Names of services that stand for ports, in firewalld and nftables. */
const SERVICES: Readonly<Record<string, number>> = { http: 80, https: 443 };

/** Ports that a line matches on, in any of the notations. */
function portsIn(text: string): Set<number> {
  const lists = [
    ...text.matchAll(/--dports? ([\d,:]+)/g),
    ...text.matchAll(/\bdport (?:\{([^}]*)\}|([\w-]+))/g),
    ...text.matchAll(/\bport="([\d-]+)"/g),
    ...text.matchAll(/<service name="(\w+)"/g),
  ].map(([, first, second]) => first ?? second ?? '');
  const words = lists.flatMap((list) => list.split(',')).map((word) => word.trim());
  return new Set(
    words.flatMap((word) => {
      const [from = '', to = from] = word.split(/[:-]/);
      const [first, last] = [from, to].map((each) => SERVICES[each] ?? Number(each));
      if (first === undefined || last === undefined || Number.isNaN(first) || last > 65_535) return [];
      return Array.from({ length: Math.max(0, last - first) + 1 }, (_, at) => first + at);
    }),
  );
}
