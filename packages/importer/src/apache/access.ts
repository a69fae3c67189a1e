// Room: who may ask for what, as Require and Order, Allow, Deny say it for proxied requests: conditions on the client's address and
// the method, or the line that no rule can say. Pure.
// Source: modules/aaa/mod_authz_core.c, mod_authz_host.c, mod_access_compat.c (AP-96 to AP-104).
import { type Condition, parseAddressRange } from '@outrigger/rules';
import { expressionSaid } from './expression.ts';
import type { ConfigNode, Directive, Section } from './tree.ts';
import type { About } from './variablesaid.ts';

/** What a section says of access: for whom it is open, or what keeps us from knowing. `undefined`: nothing at all. */
export type Access =
  | { kind: 'open'; lines: readonly ConfigNode[] }
  | { kind: 'closed'; lines: readonly ConfigNode[] }
  | { kind: 'some'; when: Condition; lines: readonly ConfigNode[] }
  | { kind: 'unsayable'; line: ConfigNode; reason: string };

const LISTS = new Set(['requireall', 'requireany', 'requirenone']);
const COMPAT = new Set(['order', 'allow', 'deny', 'satisfy']);

/** The two modules that have a say, each for itself: both must let a request in (AP-101). */
export type Judge = 'require' | 'compat';

/** What a section says for one of the two; undefined where it says nothing, and inherits what holds around it. */
export function accessOf({ children }: Section, judge: Judge, about: About): Access | undefined {
  const limited = children.find(({ key }) => key === 'limit' || key === 'limitexcept');
  if (limited !== undefined) return unsayable(limited, 'it holds for some methods only');
  if (judge === 'compat') {
    const lines = children.filter((node): node is Directive => node.kind === 'directive' && COMPAT.has(node.key));
    const satisfy = lines.find(({ key }) => key === 'satisfy');
    if (satisfy !== undefined) return unsayable(satisfy, 'it joins Require with Allow and Deny');
    return lines.length === 0 ? undefined : compatAccess(lines);
  }
  const merging = children.find(({ key }) => key === 'authmerging');
  if (merging !== undefined) return unsayable(merging, 'it joins these lines with those of sections around it');
  const requires = children.filter(({ key }) => key === 'require' || LISTS.has(key));
  return requires.length === 0
    ? undefined
    : anyOf(
        requires.map((node) => requirement(node, about)),
        requires,
      );
}

type Term =
  | { kind: 'always' }
  | { kind: 'never' }
  | { kind: 'when'; when: Condition }
  | { kind: 'no'; node: ConfigNode; reason: string };

function requirement(node: ConfigNode, about: About): Term {
  if (node.kind === 'section') return listTerm(node, about);
  const [kind = '', ...values] = node.words.map(({ text }) => text);
  const isNegated = kind.toLowerCase() === 'not';
  const [name = '', ...rest] = isNegated ? values : [kind, ...values];
  const term = REQUIRE[name.toLowerCase()]?.(rest, node, about) ?? {
    kind: 'no',
    node,
    reason: ASKS_USER.test(name) ? 'Apache asks for a login of its own' : `no rule knows Require ${name}`,
  };
  return isNegated ? negated(term) : term;
}

const REQUIRE: Readonly<Record<string, (values: string[], node: ConfigNode, about: About) => Term>> = {
  all: ([word = '']) => (word.toLowerCase() === 'granted' ? { kind: 'always' } : { kind: 'never' }),
  ip: (values, node) => addresses(values, node),
  method: (values) => ({ kind: 'when', when: { methods: withHead(values) } }),
  expr: (_, node, about) => expression(node, about),
  // The machine itself, by any of its addresses: of those only loopback is known.
  local: (_, node) => ({ kind: 'no', node, reason: 'which addresses are this machine no rule can say' }),
};

/** The path is that of the section, and in any case: what it is asked here says something else of another spelling. */
function expression(node: ConfigNode, about: About): Term {
  const text = node.rest.replace(/^\s*(?:not\s+)?expr\s+/i, '').replace(/^"(.*)"\s*$/s, '$1');
  const said = /REQUEST_URI/i.test(text) ? undefined : expressionSaid(text, about);
  if (said?.kind === 'always' || said?.kind === 'never') return { kind: said.kind };
  if (said?.kind === 'when' && said.isExact) return { kind: 'when', when: said.when };
  return { kind: 'no', node, reason: 'its expression asks for more than a rule can see' };
}

/** Who asks is known from a login alone. */
const ASKS_USER = /^(?:valid-user|user|group|(?:ldap|dbm|dbd|file)-.*)$/i;

/** To Apache HEAD is GET without a body: either word stands for both (AP-104; http_protocol.c, lookup_builtin_method). */
function withHead(methods: readonly string[]): string[] {
  const isGet = (method: string): boolean => method === 'GET' || method === 'HEAD';
  return methods.some(isGet) ? ['GET', 'HEAD', ...methods.filter((method) => !isGet(method))] : [...methods];
}

function addresses(values: readonly string[], node: ConfigNode): Term {
  const clients = values.map(clientRange);
  const odd = values[clients.indexOf(undefined)];
  if (odd !== undefined) return { kind: 'no', node, reason: `${odd} is a name, or no address` };
  return clients.length === 0 ? { kind: 'never' } : { kind: 'when', when: { clients: clients as string[] } };
}

/** 10.0.0.1, 10.0.0.0/8, 10.0.0.0/255.0.0.0, 10.1 (its first bytes), an IPv6 address or network (AP-102). */
function clientRange(text: string): string | undefined {
  const [, bytes] = /^((?:\d{1,3}\.){0,2}\d{1,3})\.?$/.exec(text) ?? [];
  if (bytes !== undefined) {
    const parts = bytes.split('.');
    return checked(`${[...parts, '0', '0', '0'].slice(0, 4).join('.')}/${parts.length * 8}`);
  }
  const [, network, mask] = /^([\d.]+)\/(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? [];
  if (network === undefined || mask === undefined) return checked(text);
  const bits = mask
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/.test(bits) ? checked(`${network}/${bits.replaceAll('0', '').length}`) : undefined;
}

function checked(text: string): string | undefined {
  return text.includes('-') || parseAddressRange(text) === undefined ? undefined : text;
}

function listTerm(section: Section, about: About): Term {
  const terms = section.children.map((node) => requirement(node, about));
  const no = terms.find((term) => term.kind === 'no');
  if (no !== undefined) return no;
  const whens = terms.flatMap((term) => (term.kind === 'when' ? [term.when] : []));
  const has = (kind: Term['kind']): boolean => terms.some((term) => term.kind === kind);
  if (section.key === 'requireall') {
    if (has('never')) return { kind: 'never' };
    return whens.length === 0
      ? { kind: 'always' }
      : { kind: 'when', when: whens.length === 1 ? (whens[0] ?? {}) : { all: whens } };
  }
  const any: Term = has('always')
    ? { kind: 'always' }
    : whens.length === 0
      ? { kind: 'never' }
      : { kind: 'when', when: whens.length === 1 ? (whens[0] ?? {}) : { any: whens } };
  return section.key === 'requirenone' ? negated(any) : any;
}

function negated(term: Term): Term {
  if (term.kind === 'when') return { kind: 'when', when: { not: term.when } };
  if (term.kind === 'no') return term;
  return { kind: term.kind === 'always' ? 'never' : 'always' };
}

/** Requires beside each other: one of them must hold (AP-96). */
function anyOf(terms: readonly Term[], nodes: readonly ConfigNode[]): Access {
  const no = terms.find((term) => term.kind === 'no');
  if (no !== undefined) return unsayable(no.node, no.reason);
  if (terms.some(({ kind }) => kind === 'always')) return { kind: 'open', lines: nodes };
  const whens = terms.flatMap((term) => (term.kind === 'when' ? [term.when] : []));
  if (whens.length === 0) return { kind: 'closed', lines: nodes };
  return { kind: 'some', when: whens.length === 1 ? (whens[0] ?? {}) : { any: whens }, lines: nodes };
}

/** Order, Allow and Deny of 2.2. Without Order it is `deny,allow`; what no line names the second word decides (AP-98). */
function compatAccess(lines: readonly Directive[]): Access {
  const order =
    lines
      .filter(({ key }) => key === 'order')
      .at(-1)
      ?.rest.replace(/["'\s]/g, '')
      .toLowerCase() ?? 'deny,allow';
  const [allow, deny] = ['allow', 'deny'].map((key) => fromLines(lines.filter((line) => line.key === key)));
  if (allow === undefined || deny === undefined) return { kind: 'open', lines };
  if (allow.kind === 'no') return unsayable(allow.node, allow.reason);
  if (deny.kind === 'no') return unsayable(deny.node, deny.reason);
  const isDenyLast = order !== 'deny,allow';
  // allow,deny: let in who is allowed and not denied; deny,allow: keep out who is denied and not allowed.
  const parts = isDenyLast ? both(allow, negated(deny)) : either(negated(deny), allow);
  if (parts.kind === 'always') return { kind: 'open', lines };
  return parts.kind === 'when' ? { kind: 'some', when: parts.when, lines } : { kind: 'closed', lines };
}

function both(a: Term, b: Term): Term {
  if (a.kind === 'never' || b.kind === 'never') return { kind: 'never' };
  if (a.kind === 'when' && b.kind === 'when') return { kind: 'when', when: { all: [a.when, b.when] } };
  return a.kind === 'always' ? b : a;
}

function either(a: Term, b: Term): Term {
  if (a.kind === 'always' || b.kind === 'always') return { kind: 'always' };
  if (a.kind === 'when' && b.kind === 'when') return { kind: 'when', when: { any: [a.when, b.when] } };
  return a.kind === 'never' ? b : a;
}

/** `Allow from …` lines together: for whom one of them is. */
function fromLines(lines: readonly Directive[]): Term {
  const clients: string[] = [];
  for (const line of lines) {
    const words = line.words.map(({ text }) => text);
    if (words[0]?.toLowerCase() !== 'from') return { kind: 'no', node: line, reason: 'the word from is missing' };
    for (const word of words.slice(1)) {
      if (word.toLowerCase() === 'all') return { kind: 'always' };
      const range = clientRange(word);
      if (range === undefined)
        return { kind: 'no', node: line, reason: `${word} is a name or a variable, or no address` };
      clients.push(range);
    }
  }
  return clients.length === 0 ? { kind: 'never' } : { kind: 'when', when: { clients } };
}

function unsayable(line: ConfigNode, reason: string): Access {
  return { kind: 'unsayable', line, reason };
}
