// Room: a balancer as the servers of one upstream: who is asked, who only where the others cannot be, and how a client finds its own
// again. What a rule cannot say of that is said. Pure. Source: modules/proxy/mod_proxy_balancer.c, mod_proxy.c (AP-117, AP-118).
import type { Server, Servers } from './servers.ts';
import { parseTarget, type Target } from './target.ts';
import { type Directive, directivesOf, type Section, sectionsOf } from './tree.ts';

type HttpTarget = Extract<Target, { kind: 'http' }>;

export type Balancer =
  | {
      kind: 'balancer';
      /** In the order in which they are asked where nothing else decides. */
      servers: HttpTarget[];
      affinity: 'none' | 'client' | 'cookie';
      health?: { path: string; seconds?: number };
      /** BalancerMember lines, and those that set something. */
      lines: Directive[];
      sections: Section[];
      /** What is otherwise than with Apache, as sentences. */
      otherwise: string[];
    }
  | { kind: 'unsayable'; reason: string };

type Member = {
  target: HttpTarget;
  parameters: ReadonlyMap<string, string>;
  /** `spare`: asked where none of the others can be. */
  role: 'active' | 'spare' | 'off';
  set: number;
};

/** Parameters of a member that say how Apache keeps connections, or that are looked at here. */
const MEMBER_PARAMETERS = new Set(
  `loadfactor route status lbset retry timeout connectiontimeout keepalive acquire max min smax ttl flushpackets flushwait
  iobuffersize receivebuffersize disablereuse enablereuse upgrade ping hcmethod hcuri hcinterval hcpasses hcfails hcexpr hctemplate`.split(
    /\s+/,
  ),
);
const METHOD = 'byrequests';

/** The balancer of a name for a server; `parameters`: those of the ProxyPass line that leads to it. */
export function balancerOf(
  servers: Servers,
  server: Server,
  name: string,
  parameters: ReadonlyMap<string, string>,
): Balancer {
  const { sections, members: lines, sets } = linesOf(servers, server, name);
  const set = new Map([...parameters, ...sets.flatMap((line) => [...parametersOf(line)])]);
  const members: Member[] = [];
  for (const line of lines) {
    const member = memberOf(line);
    if (typeof member === 'string') return { kind: 'unsayable', reason: member };
    members.push(member);
  }
  const isMixed = new Set(members.map(({ target }) => target.scheme)).size > 1;
  if (isMixed) return { kind: 'unsayable', reason: 'some servers of its balancer speak TLS and some do not' };
  const first = Math.min(...members.filter(({ role }) => role === 'active').map(({ set: each }) => each));
  const active = members.filter(({ role, set: each }) => role === 'active' && each === first);
  const spare = members.filter((each) => each.role !== 'off' && !active.includes(each)).sort((a, b) => a.set - b.set);
  if (active.length === 0) return { kind: 'unsayable', reason: 'its balancer has no server that is asked first' };
  const isOne = active.length === 1;
  const sticky = set.get('stickysession');
  const asked = members.find(({ parameters: own }) => /^(?:get|head)$/i.test(own.get('hcmethod') ?? ''));
  const path = asked?.parameters.get('hcuri');
  const seconds = Number(asked?.parameters.get('hcinterval'));
  return {
    kind: 'balancer',
    servers: (isOne ? [...active, ...spare] : active).map(({ target }) => target),
    affinity: isOne ? 'none' : sticky === undefined ? 'client' : 'cookie',
    ...(path?.startsWith('/') && { health: { path, ...(seconds > 0 && { seconds }) } }),
    lines: [...lines, ...sets],
    sections,
    otherwise: [...(isOne ? [] : spreadOtherwise(active, spare, sticky, set)), ...checksOtherwise(members, path)],
  };
}

function spreadOtherwise(
  active: readonly Member[],
  spare: readonly Member[],
  sticky: string | undefined,
  set: ReadonlyMap<string, string>,
): string[] {
  const method = set.get('lbmethod') ?? METHOD;
  const weights = new Set(active.map(({ parameters }) => parameters.get('loadfactor') ?? '1'));
  return [
    sticky === undefined
      ? `a client is brought to one server by its address, where Apache counted (lbmethod ${method})`
      : `a client is brought to its server by a cookie of Outrigger, where Apache looked at ${sticky}`,
    ...(weights.size > 1 ? ['every server gets as much as another: loadfactor is not carried'] : []),
    ...(spare.length > 0
      ? [
          `${spare.map(({ target }) => target.origin).join(', ')} ${spare.length === 1 ? 'is' : 'are'} left out: of several servers none waits`,
        ]
      : []),
    ...(set.get('nofailover')?.toLowerCase() === 'on' ? ['another server takes over where one cannot be reached'] : []),
    ...(set.has('failonstatus') ? ['answers do not put a server out of use (failonstatus)'] : []),
  ];
}

function checksOtherwise(members: readonly Member[], path: string | undefined): string[] {
  const isChecked = members.some(({ parameters }) => (parameters.get('hcmethod') ?? 'none').toLowerCase() !== 'none');
  return isChecked && path === undefined
    ? ['servers are not checked (hcmethod): the next is tried where one cannot be reached']
    : [];
}

/** A BalancerMember line as a member, or the reason why it cannot be one. */
function memberOf(line: Directive): Member | string {
  const words = line.words.map(({ text }) => text);
  const [url = '', ...rest] = /^balancer:/i.test(words[0] ?? '') ? words.slice(1) : words;
  const target = parseTarget(url);
  const parameters = parametersIn(rest);
  if (target.kind !== 'http') return `${url} is no server that a rule can name`;
  if (target.path !== '' && target.path !== '/') return 'a server of its balancer has a path of its own';
  const odd = [...parameters.keys()].find((name) => !MEMBER_PARAMETERS.has(name));
  if (odd !== undefined) return `what ${odd} of a BalancerMember does, no rule can say`;
  const status = parameters.get('status') ?? '';
  const role = /[DSN]/i.test(status.replace(/-\w/g, ''))
    ? 'off'
    : /[HR]/i.test(status.replace(/-\w/g, ''))
      ? 'spare'
      : 'active';
  return { target, parameters, role, set: Number(parameters.get('lbset') ?? 0) };
}

/** Everything that is said of a balancer, in Proxy sections and by itself, of the main server and of the virtual host. */
function linesOf(
  { main }: Servers,
  server: Server,
  name: string,
): { sections: Section[]; members: Directive[]; sets: Directive[] } {
  const isNamed = ({ words }: Directive | Section): boolean =>
    words[0]?.text.toLowerCase().replace(/\/$/, '') === `balancer://${name}`;
  const nodes = server.kind === 'main' ? main.nodes : [...main.nodes, ...server.nodes];
  const sections = sectionsOf(nodes, 'proxy').filter(isNamed);
  const inside = (key: string): Directive[] => sections.flatMap(({ children }) => directivesOf(children, key));
  const outside = (key: string): Directive[] => directivesOf(nodes, key).filter(isNamed);
  return {
    sections,
    members: [...inside('balancermember'), ...outside('balancermember')],
    sets: [...inside('proxyset'), ...outside('proxyset')],
  };
}

function parametersOf({ words }: Directive): ReadonlyMap<string, string> {
  return parametersIn(words.map(({ text }) => text).filter((word) => !/^balancer:/i.test(word)));
}

function parametersIn(words: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    words.map((word): [string, string] => {
      const equals = word.indexOf('=');
      return equals === -1 ? [word.toLowerCase(), 'on'] : [word.slice(0, equals).toLowerCase(), word.slice(equals + 1)];
    }),
  );
}
