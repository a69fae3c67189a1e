// Room: directives that change header fields, as Squid reads them and as changes of an upstream (SQ-204 to SQ-209). Source:
// HttpHeaderTools.cc, httpHdrMangle: the list of a field decides over its lines, first match, the opposite of the last line for the
// rest; a line that is denied goes, or gets the replacement; additions come after all of that.
import {
  type Condition,
  fieldObstacle,
  type HeaderChange,
  isFieldValue,
  literally,
  requestTemplateError,
} from '@outrigger/rules';
import type { ImportCode } from '../codes.ts';
import { remark } from '../ledger.ts';
import { CREDENTIAL_FIELD } from '../redact.ts';
import { lineExpr, printTerms, readAccessLine, readTerms, type SquidAccessLine, type Term } from './access.ts';
import type { Acl, FileContext } from './acl.ts';
import type { Directive } from './expand.ts';
import { placeholderNamed, readFormat } from './formatcodes.ts';
import { wordsOf } from './lines.ts';
import { ALWAYS, allowedBy, atomsOf, type Expr, isNever, most, not } from './logic.ts';
import type { Resolver } from './resolve.ts';

type Replacement = { name: string; value: string; directive: Directive };
type Addition = { name: string; value: string; terms: Term[]; directive: Directive };

/** What a file says of the fields of one direction. Names of fields in lower case. */
export type HeaderRules = {
  access: Map<string, { name: string; lines: SquidAccessLine[] }>;
  replacements: Map<string, Replacement>;
  additions: Addition[];
};

export type Side = 'request' | 'reply';

export function noHeaderRules(): Record<Side, HeaderRules> {
  const none = (): HeaderRules => ({ access: new Map(), replacements: new Map(), additions: [] });
  return { request: none(), reply: none() };
}

type Acls = ReadonlyMap<string, Acl>;

/** `request_header_access NAME allow|deny acl…` */
export function readHeaderAccess(
  directive: Directive,
  rules: readonly HeaderRules[],
  acls: Acls,
  files: FileContext,
): void {
  const name = directive.words[0]?.text ?? '';
  const line = readAccessLine(directive, 1, acls, files);
  if (line === undefined) return;
  for (const { access } of rules) {
    const list = access.get(name.toLowerCase());
    if (list === undefined) access.set(name.toLowerCase(), { name, lines: [line] });
    else list.lines.push(line);
  }
}

/** `request_header_replace NAME text`: all of the rest of the line, quotes and # included. */
export function readHeaderReplace(directive: Directive, rules: readonly HeaderRules[]): void {
  const [name, first] = directive.words;
  if (name === undefined || first === undefined) {
    remark(directive.entry, 'malformed', 'SQUID_HEADER_BAD', 'expects a field and its new value');
    return;
  }
  const value = directive.line.text.slice(first.offset).trimEnd();
  for (const { replacements } of rules) {
    const before = replacements.get(name.text.toLowerCase());
    if (before !== undefined) {
      const message = `line ${directive.at.line} says another value, and the last one counts`;
      remark(before.directive.entry, 'irrelevant', 'SQUID_HEADER_UNUSED', message);
    }
    replacements.set(name.text.toLowerCase(), { name: name.text, value, directive });
  }
}

/** `request_header_add NAME value acl…`: the value may stand in quotes, where a backslash takes the next character as it is. */
export function readHeaderAdd(directive: Directive, rules: HeaderRules, acls: Acls, files: FileContext): void {
  const { words, line, entry } = directive;
  const [name, first] = words;
  const given =
    first && /^(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([^\s"']\S*))(?=\s|$)/.exec(line.text.slice(first.offset));
  if (name === undefined || first === undefined || given === undefined || given === null) {
    remark(entry, 'malformed', 'SQUID_HEADER_BAD', 'expects a field, a value (in quotes where it has blanks) and acls');
    return;
  }
  const [whole, inDouble, inSingle, bare = ''] = given;
  const value = (inDouble ?? inSingle)?.replace(/\\(.)/g, '$1') ?? bare;
  const rest = { ...directive, words: wordsOf(line, first.offset + whole.length) };
  rules.additions.push({ name: name.text, value, terms: readTerms(rest, 0, acls, files), directive });
}

/** What the rules of one direction come to on every upstream, each line accounted for. */
export function lowerHeaders(rules: HeaderRules, side: Side, resolver: Resolver): HeaderChange[] {
  const changes: HeaderChange[] = [];
  for (const [lower, { name, lines }] of rules.access) {
    changes.push(...lowerAccess(name, lines, rules.replacements.get(lower), side, resolver));
  }
  for (const [lower, { name, directive }] of rules.replacements) {
    if (rules.access.has(lower)) continue;
    const message = `nothing is replaced: no ${side}_header_access line denies ${name}`;
    remark(directive.entry, 'irrelevant', 'SQUID_HEADER_UNUSED', message, { severity: 'warning' });
  }
  for (const addition of rules.additions) changes.push(...lowerAddition(addition, resolver));
  return joined(changes);
}

function lowerAccess(
  name: string,
  lines: readonly SquidAccessLine[],
  replacement: Replacement | undefined,
  side: Side,
  resolver: Resolver,
): HeaderChange[] {
  const tell = (
    disposition: 'translated' | 'approximated' | 'untranslated',
    code: ImportCode,
    message: string,
    hint?: string,
  ): void => {
    for (const { directive } of replacement === undefined ? lines : [...lines, replacement])
      remark(directive.entry, disposition, code, message, hint === undefined ? {} : { hint });
  };
  const denied = not(allowedBy(lines.map((line) => ({ action: line.action, when: resolver.lineOf(line) }))));
  if (isNever(denied)) {
    tell('translated', 'SQUID_CARRIED', `${name} is never denied, and passes here too`);
    return [];
  }
  if (/^(?:all|other)$/i.test(name)) {
    const what =
      name.toLowerCase() === 'all' ? 'all fields that no other line names' : 'all fields that Squid does not know';
    tell(
      'untranslated',
      'SQUID_HEADER',
      `takes away ${what}; rules name the fields that go`,
      'Name them in remove of the upstream.',
    );
    return [];
  }
  const obstacle = fieldObstacle(name);
  if (obstacle !== undefined) {
    tell('untranslated', 'SQUID_HEADER', `${name} cannot be taken away or changed`, obstacle);
    return [];
  }
  const unclear = atomsOf(denied).find((atom) => !resolver.isKnown(atom));
  const when = most(denied, resolver.isKnown);
  if (unclear !== undefined) {
    const message = `the acl ${resolver.nameOf(unclear)} cannot be said as a rule (${resolver.reasonOf(unclear)}), so ${name} goes wherever it may have`;
    tell('untranslated', 'SQUID_HEADER', message, 'Narrow the change by hand, or leave it out.');
  }
  const value = replacement === undefined ? undefined : literally(replacement.value);
  if (value !== undefined && !isFieldValue(value)) {
    tell(
      'untranslated',
      'SQUID_HEADER',
      `the value for ${name} cannot be carried over; the field goes`,
      'Set it by hand.',
    );
  } else if (value !== undefined && replacement !== undefined) {
    return [replacementChange(name, value, when, side, tell, resolver)];
  }
  if (unclear === undefined)
    tell('translated', 'SQUID_CARRIED', `${name} is taken from ${MESSAGES[side]}${printWhen(when)}`);
  return [changeWhen(when, resolver, { remove: [name] })];
}

const MESSAGES = { request: 'requests', reply: 'answers' } as const;

function printWhen(when: Expr): string {
  return when.kind === 'always' ? '' : ', where the acls say so';
}

/** Squid replaces a value that is there. Of a request a condition can say that; of an answer none can. */
function replacementChange(
  name: string,
  value: string,
  when: Expr,
  side: Side,
  tell: (disposition: 'translated' | 'approximated', code: ImportCode, message: string) => void,
  resolver: Resolver,
): HeaderChange {
  const change = changeWhen(when, resolver, { set: { [name]: value } });
  if (side === 'reply') {
    tell('approximated', 'SQUID_HEADER', `answers get ${name}: ${value}, also those that came without the field`);
    return change;
  }
  tell('translated', 'SQUID_CARRIED', `requests that have ${name} go on with ${value} in it${printWhen(when)}`);
  const present: Condition = { headers: [{ name, regex: '^' }] };
  const { when: condition = {}, ...rest } = change;
  return {
    when: condition.headers === undefined ? { ...condition, ...present } : { all: [condition, present] },
    ...rest,
  };
}

function lowerAddition({ name, value, terms, directive }: Addition, resolver: Resolver): HeaderChange[] {
  const { entry } = directive;
  const expr = lineExpr(terms, resolver.exprOf);
  const template = headerTemplate(value);
  const unclear = atomsOf(expr).find((atom) => !resolver.isKnown(atom));
  const obstacle = fieldObstacle(name);
  if (isNever(expr)) {
    remark(entry, 'translated', 'SQUID_CARRIED', 'is added to nothing: one of its acls holds for no request');
  } else if (obstacle !== undefined) {
    remark(entry, 'untranslated', 'SQUID_HEADER', `${name} cannot be added`, { hint: obstacle });
  } else if (CREDENTIAL_FIELD.test(name)) {
    const message = `${name} may hold a secret, which an import does not copy`;
    remark(entry, 'untranslated', 'SQUID_HEADER', message, { hint: 'Write it into add of the upstream by hand.' });
  } else if (template.kind === 'bad') {
    const message = `the value of ${name} holds ${template.code}, which rules cannot fill in`;
    remark(entry, 'untranslated', 'SQUID_HEADER', message, { hint: 'Add the field at the server behind.' });
  } else if (unclear !== undefined) {
    const message = `the acl ${resolver.nameOf(unclear)} cannot be said as a rule (${resolver.reasonOf(unclear)}), so ${name} is not added`;
    remark(entry, 'untranslated', 'SQUID_HEADER', message, { hint: 'Add it by hand where it was meant.' });
  } else {
    const where = terms.length === 0 ? '' : ` where ${printTerms(terms)}`;
    remark(entry, 'translated', 'SQUID_CARRIED', `adds ${name}${where}`);
    return [changeWhen(expr, resolver, { add: { [name]: [template.text] } })];
  }
  return [];
}

/** The value as a template of a rules file; `bad` names the code it has nothing for. */
function headerTemplate(value: string): { kind: 'template'; text: string } | { kind: 'bad'; code: string } {
  const format = readFormat(value);
  if (format.kind === 'bad') return format;
  let text = '';
  for (const piece of format.pieces) {
    if (piece.kind === 'text') text += literally(piece.text);
    else {
      const name = placeholderNamed(piece.code);
      const isPlain = piece.escape === undefined && piece.padding === undefined && piece.argument === undefined;
      if (!isPlain || name === undefined || (name !== '-' && requestTemplateError(`{${name}}`) !== undefined))
        return { kind: 'bad', code: piece.written };
      // Squid does not know its own method yet when it adds fields (SQ-208).
      text += name === '-' || piece.code === 'rm' ? '-' : `{${name}}`;
    }
  }
  return isFieldValue(text) ? { kind: 'template', text } : { kind: 'bad', code: 'what no field may' };
}

function changeWhen(when: Expr, resolver: Resolver, change: HeaderChange): HeaderChange {
  return when.kind === ALWAYS.kind ? change : { when: resolver.condition(when), ...change };
}

/** Neighbours that only take away under one condition are one change. */
function joined(changes: readonly HeaderChange[]): HeaderChange[] {
  const result: HeaderChange[] = [];
  for (const change of changes) {
    const last = result.at(-1);
    const onlyRemoves = ({ remove, set, add }: HeaderChange): boolean => remove !== undefined && !set && !add;
    if (
      last !== undefined &&
      onlyRemoves(last) &&
      onlyRemoves(change) &&
      JSON.stringify(last.when) === JSON.stringify(change.when)
    ) {
      last.remove = [...(last.remove ?? []), ...(change.remove ?? [])];
    } else result.push({ ...change });
  }
  return result;
}
