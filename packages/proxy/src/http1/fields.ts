// Room: looking things up among the fields of a head. Names and tokens ignore case (RFC 9110 5.1, 5.6.1); nothing is changed.
import type { Fields } from '@outrigger/rules';
import { isBlank } from './grammar.ts';

/** Values of every field line of that name, in order; empty where there is none. */
export function fieldValues(fields: Fields, name: string): string[] {
  const values: string[] = [];
  for (const [candidate, value] of fields) if (isSame(candidate, name)) values.push(value);
  return values;
}

/** Members of a comma-separated field over all its lines, trimmed, as spelled; empty members are left out (RFC 9110 5.6.1.2). */
export function listMembers(fields: Fields, name: string): string[] {
  return fieldValues(fields, name).flatMap(splitList);
}

/** Members of one comma-separated value. For fields whose members hold no quoted strings: Connection, Upgrade, Expect. */
export function splitList(value: string): string[] {
  return value
    .split(',')
    .map(trimBlanks)
    .filter((member) => member !== '');
}

/** Without the OWS around it (RFC 9110 5.6.3): SP and HTAB only, where trim() would also take 0xA0, which is obs-text. */
function trimBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (from < to && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

/** True where the comma-separated field `name` has the member `token`, whatever its case. */
export function hasToken(fields: Fields, name: string, token: string): boolean {
  for (const [candidate, value] of fields) {
    if (isSame(candidate, name) && splitList(value).some((member) => isSame(member, token))) return true;
  }
  return false;
}

/** Equal but for case. Lengths first: of the names in a head most differ there, and a head is asked a dozen times. */
function isSame(one: string, other: string): boolean {
  return one.length === other.length && (one === other || one.toLowerCase() === other.toLowerCase());
}
