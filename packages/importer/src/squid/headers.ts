// Room: directives that change header fields, as Squid reads them (SQ-204 to SQ-209). Which list decides over which field is
// headerlists.ts, what they come to in rules lowerheaders.ts.
import { remark } from '../ledger.ts';
import { readAccessLine, readTerms, type SquidAccessLine, type Term } from './access.ts';
import type { Acl, FileContext } from './acl.ts';
import type { Directive } from './expand.ts';
import { wordsOf } from './lines.ts';

export type Replacement = { name: string; value: string; directive: Directive };
/** `isFormat`: the value stood in quotes, where alone its codes are filled in (HttpHeaderTools.cc, HeaderWithAcl::quoted). */
export type Addition = { name: string; value: string; isFormat: boolean; terms: Term[]; directive: Directive };

/** What a file says of the fields of one direction. */
export type HeaderRules = {
  /** Lines of all fields in the order of the file, each with the field it stands for, as written. */
  access: { name: string; line: SquidAccessLine }[];
  /** By name in lower case, All and Other as they are. */
  replacements: Map<string, Replacement>;
  additions: Addition[];
};

export type Side = 'request' | 'reply';

/** Names that stand for fields no line names: all of them, and those that Squid does not know. They have their case; others have none. */
export const EVERY = 'All';
export const UNKNOWN = 'Other';

export function isClass(name: string): boolean {
  return name === EVERY || name === UNKNOWN;
}

export function noHeaderRules(): Record<Side, HeaderRules> {
  const none = (): HeaderRules => ({ access: [], replacements: new Map(), additions: [] });
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
  for (const { access } of rules) access.push({ name, line });
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
    const key = isClass(name.text) ? name.text : name.text.toLowerCase();
    const before = replacements.get(key);
    if (before !== undefined) {
      const message = `line ${directive.at.line} says another value, and the last one counts`;
      remark(before.directive.entry, 'irrelevant', 'SQUID_HEADER_UNUSED', message);
    }
    replacements.set(key, { name: name.text, value, directive });
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
  const isFormat = (inDouble ?? inSingle) !== undefined;
  rules.additions.push({ name: name.text, value, isFormat, terms: readTerms(rest, 0, acls, files), directive });
}
