// Room: changes to header fields: their shape in a rules file, and what several of them come to for one request. Which fields
// nobody may change is checkheaders.ts; the bytes of a head are the proxy's matter.
import { z } from 'zod';
import { condition } from './condition.ts';
import type { RequestFacts } from './facts.ts';
import { compileCondition, type Predicate, type Subject } from './match.ts';
import { requestTemplate } from './requestvalue.ts';
import { list, listOrNone } from './values.ts';

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
  keep: listOrNone(fieldName).optional().meta({
    description:
      'Fields that stay: all others go, whoever sent them, but Host and those that say how the body comes and what becomes of the connection. [] keeps those alone',
  }),
  remove: list(fieldName).optional().meta({ description: 'Fields that go, whoever sent them' }),
  replace: z
    .record(fieldName, fieldValue)
    .optional()
    .meta({ description: 'Fields whose every line gets this value; one that is not there stays away' }),
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

/**
 * What changes come to. Names in lower case. Of the lines that came, those go whose field is in `removed`, and where there is `kept`
 * those whose field is not in it; the others stay as they came, or with the value in `replaced`. Lines that are added come last.
 */
export type HeaderEdits = {
  kept?: ReadonlySet<string>;
  removed: ReadonlySet<string>;
  replaced: ReadonlyMap<string, string>;
  added: readonly (readonly [name: string, value: string])[];
};

/** Edits of a request, or undefined where nothing is changed. */
export type HeaderEditor = (subject: Subject) => HeaderEdits | undefined;

type CompiledLine = { name: string; lower: string; valueFor: (facts: RequestFacts) => string };
type CompiledChange = {
  matches: Predicate;
  /** Names that stay, those that no change may name included; undefined where others stay, too. */
  kept: ReadonlySet<string> | undefined;
  removed: ReadonlySet<string>;
  replaced: readonly CompiledLine[];
  added: readonly CompiledLine[];
};

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
      kept: change.keep && new Set([...lowered(change.keep), ...UNCHANGEABLE.keys()]),
      removed: new Set(lowered([...(change.remove ?? []), ...set.map(([name]) => name)])),
      replaced: Object.entries(change.replace ?? {}).map(compiledLine),
      added: [...set, ...added].map(compiledLine),
    };
  });
  return (subject) => editsOf(compiled, subject);
}

function lowered(names: readonly string[]): string[] {
  return names.map((name) => name.toLowerCase());
}

function compiledLine([name, value]: readonly [name: string, value: string]): CompiledLine {
  return { name, lower: name.toLowerCase(), valueFor: requestTemplate(value) };
}

/** Whether lines of a field (in lower case) that came with the head go on. */
export function stays(
  { kept, removed }: { kept?: ReadonlySet<string> | undefined; removed: ReadonlySet<string> },
  lower: string,
): boolean {
  return !removed.has(lower) && (kept === undefined || kept.has(lower));
}

function editsOf(changes: readonly CompiledChange[], subject: Subject): HeaderEdits | undefined {
  const made = changes.filter(({ matches }) => matches(subject));
  if (made.length === 0) return undefined;
  let kept: ReadonlySet<string> | undefined;
  const removed = new Set<string>();
  const replaced = new Map<string, string>();
  let added: [name: string, value: string][] = [];
  for (const change of made) {
    if (change.kept !== undefined) kept = kept === undefined ? change.kept : common(kept, change.kept);
    for (const name of change.removed) removed.add(name);
    const values = new Map(change.replaced.map(({ lower, valueFor }) => [lower, valueFor(subject.facts)]));
    for (const [name, value] of values) replaced.set(name, value);
    // What a change before put in is a line like any other to the ones behind it.
    added = added.filter(([name]) => stays(change, name.toLowerCase()));
    added = added.map(([name, value]) => [name, values.get(name.toLowerCase()) ?? value]);
    added.push(...change.added.map(({ name, valueFor }): [string, string] => [name, valueFor(subject.facts)]));
  }
  return { ...(kept && { kept }), removed, replaced, added };
}

function common(one: ReadonlySet<string>, other: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...one].filter((name) => other.has(name)));
}
