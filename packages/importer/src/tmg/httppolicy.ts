// Room: the policy of the HTTP filter of one rule: the XML text that TMG keeps of it becomes requests to deny, one condition for each thing
// it refuses. Sure, from a public program that writes it: the names of elements and attributes, and that AllowCondition 0 allows all.
// Assumed, from the order on the pages of the console: 1 allows only what is listed, 2 all but that; and that Value names what is listed.
// What cannot be read is told, and a list that cannot be read denies the rule. Pure.
import type { Condition } from '@outrigger/rules';
import { attributeOf, childOf, readXml, type XmlElement } from './xml.ts';

/**
 * `what`: what the filter refused, as a clause. `when`: requests with it; absent where no condition says it. `isNear`: they are nearly those,
 * or, without `when`, refused by limits of Outrigger's own.
 */
export type Refusal = { what: string; when?: Condition; isNear?: true };
export type HttpPolicy =
  | { kind: 'policy'; refusals: Refusal[]; serverHeader: 'remove' | { set: string } | undefined }
  | { kind: 'unreadable'; message: string };

/** Bytes of a body beyond which a limit is none: the wizards write 100 GiB for "any". */
const BODY_LIMIT_MOST = 100 * 1024 ** 3;
/** Characters of a length that a pattern counts to. Beyond it nobody could read the pattern; servers and limits.requestLine have limits, too. */
const COUNTED_MOST = 4_096;
/** What RE2 counts to in one repetition. */
const REPEAT_MOST = 1_000;

export function readHttpPolicy(text: string): HttpPolicy {
  const xml = readXml(Buffer.from(text, 'utf8').toString('latin1'));
  if (xml.kind === 'refused') return { kind: 'unreadable', message: xml.message };
  const { root } = xml;
  if (root.name !== 'Configuration') return { kind: 'unreadable', message: `its root is ${root.name}` };
  const url = childOf(root, 'UrlValidation');
  const unread: string[] = [];
  const listed = (
    list: XmlElement | undefined,
    what: string,
    say: (names: string[], isAllowed: boolean) => Condition,
  ): Refusal[] => {
    const mode = attributeOf(list, 'AllowCondition') || ALLOW_ALL;
    const names = namesIn(list);
    if (mode === ALLOW_ALL) return [];
    if ((mode !== ALLOW_LISTED && mode !== ALLOW_OTHERS) || names?.every((name) => LISTED.test(name)) !== true) {
      unread.push(what);
      return [];
    }
    if (names.length === 0 && mode === ALLOW_OTHERS) return [];
    const isAllowed = mode === ALLOW_LISTED;
    return [
      {
        what: `${what} ${isAllowed ? 'other than' : ''} ${names.join(', ')}`.replace(/ +/g, ' '),
        when: say(names, isAllowed),
      },
    ];
  };
  const refusals = [
    ...listed(childOf(root, 'Verbs'), 'methods', methodsCondition),
    ...listed(childOf(url, 'Extensions'), 'extensions', extensionsCondition),
    ...headers(childOf(root, 'RequestHeaders'), unread),
    ...bodyLimit(attributeOf(root, 'MaxRequestBodyLen')),
    ...lengthLimit(attributeOf(url, 'MaxLength'), 'paths', (pattern) => ({ path: [{ regex: `^${pattern}` }] })),
    ...lengthLimit(attributeOf(url, 'MaxQueryLength'), 'queries', (pattern) => ({
      url: [{ regex: `^[^?]*\\?${pattern}` }],
    })),
    ...switched(url),
    ...unsayable(root),
  ];
  if (unread.length > 0) return { kind: 'unreadable', message: `its ${unread.join(' and ')} cannot be read` };
  return { kind: 'policy', refusals, serverHeader: serverHeader(root) };
}

/** Methods and extensions as people list them; a sign of negation among them would turn a rule round. */
const LISTED = /^[A-Za-z0-9._$+~-]+$/;

const ALLOW_ALL = '0';
const ALLOW_LISTED = '1';
const ALLOW_OTHERS = '2';

/** Undefined where an entry has no name. */
function namesIn(list: XmlElement | undefined): string[] | undefined {
  const names = (list?.children ?? []).map(
    (each) => attributeOf(each, 'Value') || attributeOf(each, 'Name') || each.text,
  );
  return names.includes('') ? undefined : names;
}

function methodsCondition(names: string[], isAllowed: boolean): Condition {
  return { methods: isAllowed ? names.map((name) => `!${name}`) : names };
}

/** `.` alone is a path without extension. Refused ones are refused inside a path, too: behind them a server may read on. */
function extensionsCondition(names: string[], isAllowed: boolean): Condition {
  const patterns = names.map((name) =>
    name === '.' ? '(?:^|/)[^./]*' : literal(name.startsWith('.') ? name : `.${name}`),
  );
  const regex = `(?:${patterns.join('|')})${isAllowed ? '$' : '(?:/|$)'}`;
  return isAllowed ? { not: { path: [{ regex, ignoreCase: true }] } } : { path: [{ regex, ignoreCase: true }] };
}

function literal(text: string): string {
  return text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');
}

/** RFC 9110 5.6.2. */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function headers(list: XmlElement | undefined, unread: string[]): Refusal[] {
  const names = namesIn(list);
  if (names?.every((name) => FIELD_NAME.test(name)) !== true) {
    unread.push('request headers');
    return [];
  }
  return names.map((name) => ({ what: `requests with ${name}`, when: { headers: [{ name, regex: '^' }] } }));
}

function bodyLimit(text: string): Refusal[] {
  const limit = Number(text);
  if (!/^\d+$/.test(text) || limit >= BODY_LIMIT_MOST) return [];
  const when: Condition = { headers: [{ name: 'Content-Length', regex: above(limit) }] };
  return [{ what: `bodies over ${limit} bytes, where their length is announced`, when, isNear: true }];
}

/** A pattern for the numbers above one, as Content-Length spells them. */
export function above(limit: number): string {
  const digits = String(limit);
  const greater = [...digits].flatMap((digit, index) => {
    const rest = digits.length - index - 1;
    return digit === '9'
      ? []
      : [`${digits.slice(0, index)}[${Number(digit) + 1}-9]${rest === 0 ? '' : `\\d{${rest}}`}`];
  });
  return `^0*(?:[1-9]\\d{${digits.length},}|${greater.join('|')})$`.replace('|)', ')');
}

function lengthLimit(text: string, what: string, say: (pattern: string) => Condition): Refusal[] {
  if (!/^\d+$/.test(text)) return [];
  const limit = Number(text);
  const refusal: Refusal = { what: `${what} over ${limit} characters`, isNear: true };
  return limit > COUNTED_MOST ? [refusal] : [{ ...refusal, when: say(characters(limit + 1)) }];
}

/** A pattern for so many characters. */
function characters(count: number): string {
  const rest = count % REPEAT_MOST;
  return `.{${REPEAT_MOST}}`.repeat(Math.floor(count / REPEAT_MOST)) + (rest === 0 ? '' : `.{${rest}}`);
}

function isSwitched(element: XmlElement | undefined, name: string, to: 'true' | 'false'): boolean {
  return attributeOf(element, name).toLowerCase() === to;
}

function switched(url: XmlElement | undefined): Refusal[] {
  const refusals: Refusal[] = [];
  if (isSwitched(url, 'VerifyNormalization', 'true'))
    refusals.push({
      what: 'paths that are escaped twice',
      when: { path: [{ regex: '%[0-9A-Fa-f]{2}' }] },
      isNear: true,
    });
  if (isSwitched(url, 'AllowHighBitCharacters', 'false'))
    refusals.push({ what: 'characters beyond ASCII', when: { url: [{ regex: '[\\x80-\\xff]' }] } });
  if (isSwitched(url, 'BlockDotInPath', 'true'))
    refusals.push({
      what: 'paths with a dot in front of their last part',
      when: { path: [{ regex: '\\.[^/]*/' }] },
      isNear: true,
    });
  return refusals;
}

function unsayable(root: XmlElement): Refusal[] {
  const refusals: Refusal[] = [];
  if (isSwitched(root, 'BlockExecutables', 'true')) refusals.push({ what: 'answers with Windows programs' });
  const signatures = childOf(root, 'DeniedSignatures')?.children ?? [];
  if (signatures.length > 0) refusals.push({ what: `requests with what ${signatures.length} signatures name` });
  const answers = namesIn(childOf(root, 'ResponseHeaders')) ?? ['some'];
  if (answers.length > 0) refusals.push({ what: `answers with the fields ${answers.join(', ')}` });
  return refusals;
}

/** What ServerHeaderAction says, by the order on the page of the console: 0 as it is, 1 away, 2 another. */
function serverHeader(root: XmlElement): 'remove' | { set: string } | undefined {
  const action = attributeOf(root, 'ServerHeaderAction');
  const value = attributeOf(root, 'NewServerHeaderValue');
  if (action === '2' && value !== '') return { set: value };
  return action === '1' || action === '2' ? 'remove' : undefined;
}
