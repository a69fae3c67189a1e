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
    }
  | { kind: 'unsayable'; line: Directive; reason: string };

/** Fields that Outrigger writes itself, for requests and for answers: what a line says of them is said already, or must not be. */
const OURS = new Set(
  `x-forwarded-for x-forwarded-proto x-forwarded-host x-forwarded-server x-forwarded-port connection keep-alive expect upgrade te
  transfer-encoding content-length proxy-connection trailer host`.split(/\s+/),
);

/** Lines that hold for a path, in the order in which Apache makes them. */
export function fieldChanges(lines: readonly Directive[]): FieldChanges {
  const result: FieldChanges = { kind: 'changes', request: [], response: [], ours: [], made: [] };
  for (const line of lines) {
    const words = line.words.map(({ text }) => text);
    if (/^(?:always|onsuccess)$/i.test(words[0] ?? '')) words.shift();
    const isEarly = words.at(-1)?.toLowerCase() === 'early';
    if (isEarly) words.pop();
    const [action = '', name = '', value, ...rest] = words;
    if (line.key === 'requestheader' && name.toLowerCase() === 'front-end-https' && /^on$/i.test(value ?? '')) {
      result.frontEndHttps = line;
      continue;
    }
    if (OURS.has(name.toLowerCase())) {
      result.ours.push(line);
      continue;
    }
    const change = changeOf(action.toLowerCase(), name, value);
    if (change === undefined || rest.length > 0) {
      return { kind: 'unsayable', line, reason: `${line.name} ${action} ${name} depends on more than a route can see` };
    }
    result.made.push(line);
    (line.key === 'header' ? result.response : result.request).push(change);
  }
  return result;
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
