// Room: changes to header fields: their shape in a rules file, and what several of them come to for one request. Which fields
// nobody may change is checkheaders.ts; the bytes of a head are the proxy's matter.
import { z } from 'zod';
import { condition } from './condition.ts';
import type { RequestFacts } from './facts.ts';
import { compileCondition, type Predicate, type Subject } from './match.ts';
import { requestTemplate } from './requestvalue.ts';
import { list } from './values.ts';

/** RFC 9110 5.6.2. */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const fieldName = z.string().regex(FIELD_NAME, 'a field name is letters, digits and a few signs');

/** Characters of one value: what one rule adds must not push a head over what servers take (IIS: 16 KiB in all). */
const VALUE_MAX = 4_096;

/** RFC 9110 5.5, in latin1: a line end would begin another field, and blanks at an end are none of the value. */
const FIELD_VALUE = /^[\x21-\x7e\xa0-\xff](?:[\t\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa0-\xff])?$/;
const fieldValue = z.string().refine(isFieldValue, {
  error: `a field value is one line of visible characters (latin1) and blanks between them, ${VALUE_MAX} at most`,
});

/** Whether a text may be the value of a field that rules set. */
export function isFieldValue(text: string): boolean {
  return text.length <= VALUE_MAX && FIELD_VALUE.test(text);
}

const headerChange = z.strictObject({
  when: condition.optional().meta({ description: 'Requests for which it is made; all where absent' }),
  remove: list(fieldName).optional().meta({ description: 'Fields that go, whoever sent them' }),
  set: z
    .record(fieldName, fieldValue)
    .optional()
    .meta({ description: 'Fields that get this value instead of any other; {client}, {host}, … are filled in' }),
  add: z
    .record(fieldName, list(fieldValue))
    .optional()
    .meta({ description: 'Field lines put behind those that are there' }),
});

/**
 * Fields that say where a message ends, what becomes of its connection, or where it goes: what two readers of one head must not
 * disagree about (RFC 9110 7.6.1, RFC 9112 6).
 */
const UNCHANGEABLE: ReadonlyMap<string, string> = new Map([
  ...['connection', 'keep-alive', 'proxy-connection', 'upgrade', 'http2-settings', 'te', 'trailer'].map(
    (name) => [name, 'It belongs to one connection, and Outrigger writes its own.'] as const,
  ),
  ...['content-length', 'transfer-encoding', 'expect'].map(
    (name) => [name, 'It says how the body comes, and Outrigger passes bodies as they are.'] as const,
  ),
  ['host', 'Set host of the upstream instead.'],
]);

/** Why no change may name this field, as a sentence that says what to do where there is something; undefined where one may. */
export function fieldObstacle(name: string): string | undefined {
  if (!FIELD_NAME.test(name)) return 'A field name is letters, digits and a few signs.';
  return UNCHANGEABLE.get(name.toLowerCase());
}

/** One change or several, made in their order. */
export const headerChanges = list(headerChange);

export type HeaderChange = z.output<typeof headerChange>;

/** What changes come to: every line of these fields (names in lower case) goes, then these lines come last. */
export type HeaderEdits = { removed: ReadonlySet<string>; added: readonly (readonly [name: string, value: string])[] };

/** Edits of a request, or undefined where nothing is changed. */
export type HeaderEditor = (subject: Subject) => HeaderEdits | undefined;

type CompiledLine = { name: string; lower: string; valueFor: (facts: RequestFacts) => string };
type CompiledChange = { matches: Predicate; removed: readonly string[]; added: readonly CompiledLine[] };

/** Builds changes once; undefined where there are none, so that who has none pays nothing. */
export function compileHeaderChanges(changes: readonly HeaderChange[], ignoreCase: boolean): HeaderEditor | undefined {
  if (changes.length === 0) return undefined;
  const compiled = changes.map((change): CompiledChange => {
    const set = Object.entries(change.set ?? {});
    const added = Object.entries(change.add ?? {}).flatMap(([name, values]) =>
      values.map((value) => [name, value] as const),
    );
    return {
      matches: compileCondition(change.when ?? {}, ignoreCase),
      removed: [...(change.remove ?? []), ...set.map(([name]) => name)].map((name) => name.toLowerCase()),
      added: [...set, ...added].map(([name, value]) => ({
        name,
        lower: name.toLowerCase(),
        valueFor: requestTemplate(value),
      })),
    };
  });
  return (subject) => editsOf(compiled, subject);
}

function editsOf(changes: readonly CompiledChange[], subject: Subject): HeaderEdits | undefined {
  const made = changes.filter(({ matches }) => matches(subject));
  if (made.length === 0) return undefined;
  const removed = new Set<string>();
  let added: CompiledLine[] = [];
  for (const change of made) {
    const gone = new Set(change.removed);
    for (const name of gone) removed.add(name);
    added = [...added.filter(({ lower }) => !gone.has(lower)), ...change.added];
  }
  return { removed, added: added.map(({ name, valueFor }) => [name, valueFor(subject.facts)]) };
}
