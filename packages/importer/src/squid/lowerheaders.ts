// Room: what the lists over header fields come to, as changes of an upstream (SQ-204 to SQ-209). Source: HttpHeaderTools.cc,
// httpHdrMangle: the list of a field decides over each of its lines, first match, the opposite of the last line for the rest; a line
// that is denied goes, or gets the replacement; additions come after all of that. What cannot be said takes more away, never less.
import { fieldObstacle, type HeaderChange, isFieldValue, literally } from '@outrigger/rules';
import type { ImportCode } from '../codes.ts';
import { remark } from '../ledger.ts';
import { CREDENTIAL_FIELD } from '../redact.ts';
import type { SquidAccessLine } from './access.ts';
import { lowerAddition } from './headeradditions.ts';
import { changeWhen, joined } from './headerchange.ts';
import { type FieldLists, fieldLists, type NamedField } from './headerlists.ts';
import { EVERY, type HeaderRules, isClass, type Replacement, type Side, UNKNOWN } from './headers.ts';
import { allowedBy, areEquivalent, atomsOf, type Expr, isNever, most, NEVER, not } from './logic.ts';
import type { Resolver } from './resolve.ts';

const MESSAGES = { request: 'requests', reply: 'answers' } as const;

/** Fields that Squid takes away like any other and no rule does: without them nobody knows whose a message is and where it ends. */
const INDISPENSABLE: Readonly<Record<Side, readonly string[]>> = {
  request: ['Host', 'Content-Length', 'Transfer-Encoding', 'Expect'],
  reply: ['Content-Length', 'Transfer-Encoding'],
};

/** What the rules of one direction come to on every upstream, each line accounted for. `version`: the Squid the file is read as. */
export function lowerHeaders(rules: HeaderRules, side: Side, version: number, resolver: Resolver): HeaderChange[] {
  const lists = fieldLists(rules, version);
  const lowering: Lowering = { rules, lists, side, resolver };
  const changes = [
    ...lowerRest(lowering),
    ...[...lists.named].flatMap(([lower, field]) => lowerNamed(lower, field, lowering)),
    ...rules.additions.flatMap((addition) => lowerAddition(addition, resolver)),
  ];
  remarkIdle(lowering);
  return joined(changes);
}

type Lowering = { rules: HeaderRules; lists: FieldLists; side: Side; resolver: Resolver };
type Denied = { when: Expr; unclear: string | undefined };

/** Where a list denies; at the widest, with the first acl that cannot be said, where there is one. */
function deniedBy(lines: readonly SquidAccessLine[], resolver: Resolver): Denied {
  if (lines.length === 0) return { when: NEVER, unclear: undefined };
  const denied = not(allowedBy(lines.map((line) => ({ action: line.action, when: resolver.lineOf(line) }))));
  const unclear = atomsOf(denied).find((atom) => !resolver.isKnown(atom));
  return { when: most(denied, resolver.isKnown), unclear };
}

/** Fields that no line names: what All says of those Squid knows, what Other or All says of those it does not. */
function lowerRest({ rules, lists, side, resolver }: Lowering): HeaderChange[] {
  const { named, known, unknown } = lists;
  const [overKnown, overUnknown] = [deniedBy(known.lines, resolver), deniedBy(unknown, resolver)];
  for (const name of [EVERY, UNKNOWN]) {
    const lines = rules.access.flatMap((each) => (each.name === name ? [each.line] : []));
    const denied = name === EVERY ? overKnown : overUnknown;
    const staying = name === EVERY ? stayingIn(named, side) : [];
    remarkRest(name, lines, denied, staying, rules.replacements.get(name), { side, resolver });
  }
  // What always goes by its own list needs no place among those that stay.
  const own = [...named].flatMap(([lower, { name, lines }]) =>
    deniedBy(lines, resolver).when.kind === 'always' && !rules.replacements.has(lower) ? [] : [name],
  );
  const others = known.names.filter((name) => fieldObstacle(name) === undefined);
  const change = ({ when }: Denied, what: HeaderChange): HeaderChange[] =>
    isNever(when) ? [] : [changeWhen(when, resolver, what)];
  if (areEquivalent(overKnown.when, overUnknown.when)) return change(overKnown, { keep: own });
  return [...change(overUnknown, { keep: [...others, ...own] }), ...change(overKnown, { remove: others })];
}

/** Those of the indispensable that All takes away. */
function stayingIn(named: FieldLists['named'], side: Side): readonly string[] {
  return INDISPENSABLE[side].filter((name) => !named.has(name.toLowerCase()));
}

function remarkRest(
  name: string,
  lines: readonly SquidAccessLine[],
  { when, unclear }: Denied,
  staying: readonly string[],
  replacement: Replacement | undefined,
  { side, resolver }: Pick<Lowering, 'side' | 'resolver'>,
): void {
  if (lines.length === 0) return;
  const what = name === EVERY ? 'all fields that no other line names' : 'all fields that Squid does not know';
  for (const { directive } of lines) {
    const { entry } = directive;
    if (isNever(when)) {
      remark(entry, 'translated', 'SQUID_CARRIED', `${what} are never denied, and pass here too`);
    } else if (unclear !== undefined) {
      const message = `${unclearAcl(unclear, resolver)}, so ${what} go wherever they may have`;
      remark(entry, 'untranslated', 'SQUID_HEADER', message, { fields: 'any', hint: NARROW });
    } else {
      remark(entry, 'translated', 'SQUID_CARRIED', `${what} are taken from ${MESSAGES[side]}${printWhen(when)}`);
    }
    if (staying.length === 0 || isNever(when)) continue;
    const stay = `${staying.join(', ')} ${staying.length === 1 ? 'stays' : 'stay'}, which Squid took away, too`;
    const why =
      side === 'request' ? 'they say whose the request is and where it ends' : 'they say where the answer ends';
    const fields = staying.map((each) => each.toLowerCase());
    remark(entry, 'approximated', 'SQUID_HEADER', `${stay}: ${why}`, { severity: 'note', fields });
  }
  if (replacement === undefined || isNever(when)) return;
  const message = `${replacement.value} is put into no field: ${what} go instead`;
  remark(replacement.directive.entry, 'untranslated', 'SQUID_HEADER', message, {
    fields: 'any',
    hint: 'Name the fields in replace of the upstream that shall have it.',
  });
}

/** A field that lines name, by its name in lower case. */
function lowerNamed(lower: string, { name, lines }: NamedField, lowering: Lowering): HeaderChange[] {
  const { rules, side, resolver } = lowering;
  const replacement = rules.replacements.get(lower);
  if (lines.length === 0) return []; // one with a replacement alone, which remarkIdle() tells
  // In an old list, lines of All stand as well.
  const own = rules.access.flatMap((each) =>
    each.name.toLowerCase() === lower && !isClass(each.name) ? [each.line] : [],
  );
  const entries = (replacement === undefined ? own : [...own, replacement]).map(({ directive }) => directive.entry);
  const tell = (disposition: 'translated' | 'untranslated', code: ImportCode, message: string, hint?: string): void => {
    for (const entry of entries)
      remark(entry, disposition, code, message, { fields: [lower], ...(hint !== undefined && { hint }) });
  };
  const { when, unclear } = deniedBy(lines, resolver);
  if (isNever(when)) {
    tell('translated', 'SQUID_CARRIED', `${name} is never denied, and passes here too`);
    return [];
  }
  const obstacle = fieldObstacle(name);
  if (obstacle !== undefined) {
    tell('untranslated', 'SQUID_HEADER', `${name} cannot be taken away or changed`, obstacle);
    return [];
  }
  if (unclear !== undefined) {
    const message = `${unclearAcl(unclear, resolver)}, so ${name} goes wherever it may have`;
    tell('untranslated', 'SQUID_HEADER', message, NARROW);
  }
  if (replacement !== undefined) {
    const value = literally(replacement.value);
    const wrong = whyNotReplaced(name, value);
    if (wrong === undefined) {
      const message = `${MESSAGES[side]} that have ${name} go on with ${value} in it${printWhen(when)}`;
      tell('translated', 'SQUID_CARRIED', message);
      return [changeWhen(when, resolver, { replace: { [name]: value } })];
    }
    tell('untranslated', 'SQUID_HEADER', `${wrong}; the field goes`, 'Set it by hand.');
  } else if (unclear === undefined) {
    tell('translated', 'SQUID_CARRIED', `${name} is taken from ${MESSAGES[side]}${printWhen(when)}`);
  }
  return [changeWhen(when, resolver, { remove: [name] })];
}

function whyNotReplaced(name: string, value: string): string | undefined {
  if (CREDENTIAL_FIELD.test(name)) return `the value for ${name} may be a secret, which an import does not copy`;
  return isFieldValue(value) ? undefined : `the value for ${name} cannot be carried over`;
}

/** Lines that change nothing. */
function remarkIdle({ rules, lists, side }: Lowering): void {
  for (const { name, lines } of lists.ignored) {
    for (const { directive } of lines) {
      const message = `is passed over: Squid before 3.2 has lists for fields that it knows, and ${name} is none of them`;
      remark(directive.entry, 'irrelevant', 'SQUID_HEADER_UNUSED', message, { severity: 'warning' });
    }
  }
  for (const [key, { name, directive }] of rules.replacements) {
    if (rules.access.some((each) => each.name === key || each.name.toLowerCase() === key)) continue;
    const keepsOff = lists.named.has(key) && lists.unknown.length > 0;
    const message = `nothing is replaced: no ${side}_header_access line denies ${name}`;
    if (keepsOff)
      remark(directive.entry, 'translated', 'SQUID_HEADER_UNUSED', `${message}; it keeps All and Other off the field`, {
        severity: 'warning',
      });
    else remark(directive.entry, 'irrelevant', 'SQUID_HEADER_UNUSED', message, { severity: 'warning' });
  }
}

const NARROW = 'Narrow the change by hand, or leave it out.';

function unclearAcl(unclear: string, resolver: Resolver): string {
  return `the acl ${resolver.nameOf(unclear)} cannot be said as a rule (${resolver.reasonOf(unclear)})`;
}

function printWhen(when: Expr): string {
  return when.kind === 'always' ? '' : ', where the acls say so';
}
