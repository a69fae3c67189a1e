// Room: RequestHeader and Header lines as changes that a route makes, or the line that no route can make. Pure.
// Source: modules/metadata/mod_headers.c (AP-119 to AP-121).
import type { Upstream } from '@outrigger/rules';
import type { Directive } from './tree.ts';

type Change = NonNullable<Upstream['requestHeaders']>[number];

export type FieldChanges =
  | {
      kind: 'changes';
      request: Change[];
      response: Change[];
      frontEndHttps?: Directive;
      ours: Directive[];
      made: Directive[];
      /** Made, but for what the message says. */
      almost: { line: Directive; message: string }[];
    }
  | { kind: 'unsayable'; line: Directive; reason: string };

/** Fields that Outrigger writes itself, for requests and for answers: what a line says of them is said already, or must not be. */
const OURS = new Set(
  `x-forwarded-for x-forwarded-proto x-forwarded-host x-forwarded-server x-forwarded-port connection keep-alive expect upgrade te
  transfer-encoding content-length proxy-connection trailer host`.split(/\s+/),
);

/**
 * Lines that hold for a path, `early` ones first, as Apache makes them. What `Header always` writes stands in a table of its own, which
 * knows nothing of the fields of the server: it replaces and removes only what such a line wrote before, and comes beside the rest (AP-121).
 * `isHostKept`: servers are told the Host of the request, as such a line has changed it (AP-163); else it is Apache's to write.
 */
export function fieldChanges(lines: readonly Directive[], isHostKept: boolean): FieldChanges {
  const result: FieldChanges = { kind: 'changes', request: [], response: [], ours: [], made: [], almost: [] };
  const always = new Map<string, [name: string, values: string[]]>();
  for (const line of [...lines].sort((a, b) => Number(isEarly(b)) - Number(isEarly(a)))) {
    const words = line.words.map(({ text }) => text);
    const isAlways = line.key === 'header' && words[0]?.toLowerCase() === 'always';
    if (line.key === 'header' && /^(?:always|onsuccess)$/i.test(words[0] ?? '')) words.shift();
    if (isEarly(line)) words.pop();
    const [action = '', name = '', value, ...rest] = words;
    if (line.key === 'requestheader' && name.toLowerCase() === 'front-end-https' && /^on$/i.test(value ?? '')) {
      result.frontEndHttps = line;
      continue;
    }
    if (isHostKept && line.key === 'requestheader' && name.toLowerCase() === 'host')
      return { kind: 'unsayable', line, reason: 'a RequestHeader line changes the Host that servers are told' };
    if (OURS.has(name.toLowerCase())) {
      result.ours.push(line);
      continue;
    }
    const change = changeOf(action.toLowerCase(), name, value);
    if (change === undefined || rest.length > 0) {
      return { kind: 'unsayable', line, reason: `${line.name} ${action} ${name} depends on more than a route can see` };
    }
    result.made.push(line);
    if (!isAlways) (line.key === 'header' ? result.response : result.request).push(change);
    else if (change.remove !== undefined) always.delete(name.toLowerCase());
    else {
      const before = change.add === undefined ? [] : (always.get(name.toLowerCase())?.[1] ?? []);
      always.set(name.toLowerCase(), [name, [...before, value ?? '']]);
      result.almost.push({ line, message: BESIDE });
    }
    if (line.key === 'header' && !isAlways && change.remove?.some((each) => each.toLowerCase() === 'server'))
      result.almost.push({ line, message: 'clients get no Server field, where Apache put its own in its place' });
  }
  for (const [name, values] of always.values()) result.response.push({ add: { [name]: values } });
  return result;
}

const BESIDE =
  'where the server sends the field as well, it comes behind that of the server, as it came before it with Apache';

function isEarly({ words }: Directive): boolean {
  return words.at(-1)?.text.toLowerCase() === 'early';
}

/** A line of visible latin1, as a route may set it, without the letters that stand for something in Apache or in our rules. */
const PLAIN = /^[\x21-\x7e\xa0-\xff](?:[\t\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa0-\xff])?$/;

function changeOf(action: string, name: string, value: string | undefined): Change | undefined {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return undefined;
  if (action === 'unset') return value === undefined ? { remove: [name] } : undefined;
  if (value === undefined || /[%{}]/.test(value) || !PLAIN.test(value)) return undefined;
  if (action === 'set') return { set: { [name]: value } };
  return action === 'add' ? { add: { [name]: [value] } } : undefined;
}
