// Room: expressions of <If> and Require expr as conditions of a rule, where both see the same. Pure.
// Source: server/util_expr_scan.l, util_expr_parse.y, util_expr_eval.c (AP-104).
import { type Condition, parseAddressRange } from '@outrigger/rules';
import { type About, type Said, type TextTest, variableSaid } from './variablesaid.ts';

const UNSAYABLE: Said = { kind: 'unsayable' };
/** Parentheses within each other: more than anybody writes, and less than would fill the stack. */
const DEPTH_MAX = 50;

/** What an expression comes to; unsayable, too, where it is none that is known here. */
export function expressionSaid(text: string, about: About): Said {
  const reading: Reading = { tokens: tokensOf(text), at: 0, about, depth: 0 };
  const said = orOf(reading);
  return reading.at === reading.tokens.length ? said : UNSAYABLE;
}

/** The contrary. What holds at least as often says nothing of it. */
export function notSaid(said: Said): Said {
  if (said.kind === 'always' || said.kind === 'never') return { kind: said.kind === 'always' ? 'never' : 'always' };
  if (said.kind === 'unsayable' || !said.isExact) return UNSAYABLE;
  const { not, ...rest } = said.when;
  const when = not !== undefined && Object.keys(rest).length === 0 ? not : { not: said.when };
  return { kind: 'when', when, isExact: true };
}

/** All of them. What cannot be said is left out, which holds at least as often. */
export function allSaid(each: readonly Said[]): Said {
  if (each.some(({ kind }) => kind === 'never')) return { kind: 'never' };
  const held = each.filter((said) => said.kind === 'when');
  const isAll = !each.some(({ kind }) => kind === 'unsayable');
  if (held.length === 0) return isAll ? { kind: 'always' } : UNSAYABLE;
  const isExact = isAll && held.every((said) => said.isExact);
  return { kind: 'when', when: joined(held, 'all'), isExact };
}

/** One of them. */
function anySaid(each: readonly Said[]): Said {
  if (each.some(({ kind }) => kind === 'always')) return { kind: 'always' };
  if (each.some(({ kind }) => kind === 'unsayable')) return UNSAYABLE;
  const held = each.filter((said) => said.kind === 'when');
  if (held.length === 0) return { kind: 'never' };
  return { kind: 'when', when: joined(held, 'any'), isExact: held.every((said) => said.isExact) };
}

function joined(held: readonly { when: Condition }[], key: 'all' | 'any'): Condition {
  const [first] = held;
  return held.length === 1 && first !== undefined ? first.when : { [key]: held.map(({ when }) => when) };
}

type Token =
  | { kind: 'sign'; text: string }
  | { kind: 'text'; text: string }
  | { kind: 'variable'; name: string }
  | { kind: 'regex'; regex: string; ignoreCase: boolean };

type Reading = { tokens: readonly Token[]; at: number; about: About; depth: number };

const WORDS = String.raw`(?<quoted>"(?:[^"\\%$]|\\.)*"|'(?:[^'\\%$]|\\.)*')|(?<number>\d+)`;
const VARIABLE = String.raw`%\{(?<variable>[A-Za-z_]+|(?:HTTP|http|req|req_novary):[A-Za-z0-9-]+)\}`;
const FUNCTION = String.raw`(?:http|req|req_novary)\((?:'(?<field>[A-Za-z0-9-]+)'|"(?<fieldToo>[A-Za-z0-9-]+)")\)`;
const REGEX = String.raw`(?:m(?<mark>[#|,;:!~])(?<marked>.*?)\k<mark>|\/(?<slashed>(?:[^/\\]|\\.)*)\/)(?<flag>i?)(?![a-z])`;
const SIGN = String.raw`(?<sign>&&|\|\||==|!=|=~|!~|=|!|<=?|>=?|[(){},]|-[A-Za-z]+(?=\s)|\b(?:true|false|in)\b)`;
const TOKEN = new RegExp(String.raw`\s*(?:${[WORDS, VARIABLE, FUNCTION, REGEX, SIGN].join('|')})`, 'sy');

/** Tokens; one that is none known ends them with a sign that nothing takes. */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const end = text.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const groups = TOKEN.exec(text)?.groups;
    if (groups === undefined) return [...tokens, { kind: 'sign', text: '?' }];
    tokens.push(tokenOf(groups));
  }
  return tokens;
}

function tokenOf(groups: Readonly<Record<string, string | undefined>>): Token {
  const { quoted, number, variable, field = groups.fieldToo, marked, slashed, flag, sign = '?' } = groups;
  if (quoted !== undefined) return { kind: 'text', text: quoted.slice(1, -1).replace(/\\(.)/gs, '$1') };
  if (number !== undefined) return { kind: 'text', text: number };
  if (variable !== undefined) return { kind: 'variable', name: variable.replace(/^[a-z_]+:/i, 'HTTP:') };
  if (field !== undefined) return { kind: 'variable', name: `HTTP:${field}` };
  const regex = marked ?? slashed?.replaceAll('\\/', '/');
  return regex === undefined ? { kind: 'sign', text: sign } : { kind: 'regex', regex, ignoreCase: flag === 'i' };
}

function takes(reading: Reading, ...signs: string[]): boolean {
  const token = reading.tokens[reading.at];
  const isThere = token?.kind === 'sign' && signs.includes(token.text);
  if (isThere) reading.at += 1;
  return isThere;
}

function orOf(reading: Reading): Said {
  const each = [andOf(reading)];
  while (takes(reading, '||')) each.push(andOf(reading));
  return each.length === 1 ? (each[0] ?? UNSAYABLE) : anySaid(each);
}

function andOf(reading: Reading): Said {
  const each = [notOf(reading)];
  while (takes(reading, '&&')) each.push(notOf(reading));
  return each.length === 1 ? (each[0] ?? UNSAYABLE) : allSaid(each);
}

function notOf(reading: Reading): Said {
  if (takes(reading, '!')) return notSaid(notOf(reading));
  if (takes(reading, 'true')) return { kind: 'always' };
  if (takes(reading, 'false')) return { kind: 'never' };
  if (!takes(reading, '(')) return termOf(reading);
  reading.depth += 1;
  const inner = reading.depth > DEPTH_MAX ? UNSAYABLE : orOf(reading);
  return takes(reading, ')') ? inner : UNSAYABLE;
}

/** A comparison; of one that no condition can say it is known all the same where it ends. */
function termOf(reading: Reading): Said {
  if (takes(reading, '-R')) return clientIn(next(reading));
  if (takes(reading, '-n')) return testOf(next(reading), { regex: '.', ignoreCase: false, isNegated: false }, reading);
  if (takes(reading, '-z')) return testOf(next(reading), { regex: '.', ignoreCase: false, isNegated: true }, reading);
  const left = next(reading);
  if (takes(reading, '=~', '!~')) {
    const isNegated = isBefore(reading, '!~');
    const right = next(reading);
    return right?.kind === 'regex' ? testOf(left, { ...right, isNegated }, reading) : UNSAYABLE;
  }
  if (takes(reading, '==', '=', '!=', ...(isPort(left) ? ['-eq', '-ne'] : []))) {
    const isNegated = isBefore(reading, '!=', '-ne');
    const right = next(reading);
    return right?.kind === 'text' ? testOf(left, { ...oneOf([right.text]), isNegated }, reading) : UNSAYABLE;
  }
  if (takes(reading, '-ipmatch')) return isClient(left) ? clientIn(next(reading)) : otherOf(reading);
  if (!takes(reading, 'in', '-in')) return left?.kind === 'sign' ? otherOf(reading) : comparedOf(reading);
  if (!takes(reading, '{')) return UNSAYABLE;
  const texts: string[] = [];
  do {
    const word = next(reading);
    if (word?.kind !== 'text') return UNSAYABLE;
    texts.push(word.text);
  } while (takes(reading, ','));
  return takes(reading, '}') ? testOf(left, oneOf(texts), reading) : UNSAYABLE;
}

/** What stands behind an operator is taken, whatever it is. */
function otherOf(reading: Reading): Said {
  next(reading);
  return UNSAYABLE;
}

function comparedOf(reading: Reading): Said {
  const token = reading.tokens[reading.at];
  const isOperator = token?.kind === 'sign' && /^(?:[<>]=?|-[a-z]+)$/i.test(token.text);
  if (isOperator) reading.at += 1;
  return isOperator ? otherOf(reading) : UNSAYABLE;
}

function next(reading: Reading): Token | undefined {
  const token = reading.tokens[reading.at];
  reading.at += 1;
  return token;
}

/** Whether the sign that was just taken is one of these. */
function isBefore({ tokens, at }: Reading, ...signs: string[]): boolean {
  const token = tokens[at - 1];
  return token?.kind === 'sign' && signs.includes(token.text);
}

/** Numbers are compared as such: of ports alone it is known that both are written alike. */
function isPort(token: Token | undefined): boolean {
  return token?.kind === 'variable' && token.name === 'SERVER_PORT';
}

function isClient(token: Token | undefined): boolean {
  return token?.kind === 'variable' && token.name === 'REMOTE_ADDR';
}

function testOf(left: Token | undefined, test: TextTest, { about }: Reading): Said {
  return left?.kind === 'variable' ? variableSaid(left.name, test, about) : UNSAYABLE;
}

function oneOf(texts: readonly string[]): TextTest {
  const escaped = texts.map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const regex = escaped.length === 1 ? `^${escaped[0]}$` : `^(${escaped.join('|')})$`;
  return { regex, ignoreCase: false, isNegated: false };
}

/** An address or network, as `-R` and `-ipmatch` take it. */
function clientIn(token: Token | undefined): Said {
  if (token?.kind !== 'text' || token.text.includes('-') || parseAddressRange(token.text) === undefined)
    return UNSAYABLE;
  return { kind: 'when', when: { clients: [token.text] }, isExact: true };
}
