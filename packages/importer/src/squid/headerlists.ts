// Room: which list of a squid.conf decides over which header field (SQ-205 to SQ-207). Source: HttpHeaderTools.cc,
// HeaderManglers::find since Squid 3.2; cache_cf.cc, parse_http_header_access before.
import type { SquidAccessLine } from './access.ts';
import { EVERY, type HeaderRules, isClass, UNKNOWN } from './headers.ts';
import { knownFields } from './knownfields.ts';

/** A field that lines name. */
export type NamedField = { name: string; lines: SquidAccessLine[] };

export type FieldLists = {
  /** By name in lower case, in the order of the file. One without lines passes. */
  named: Map<string, NamedField>;
  /** Lines over the fields that Squid knows and nothing names, and those fields. */
  known: { names: string[]; lines: SquidAccessLine[] };
  /** Lines over the fields that Squid does not know and nothing names. */
  unknown: SquidAccessLine[];
  /** Lines of fields that Squid does not know, where it passes over them. */
  ignored: NamedField[];
};

/** From here on a list is asked for each field: its own, else Other, else All. Before, All added its line to the list of each. */
const OWN_LIST_FIRST = 3.2;

export function fieldLists({ access, replacements }: HeaderRules, version: number): FieldLists {
  const names = knownFields(version);
  const known = new Set(names.map((name) => name.toLowerCase()));
  const isOld = version < OWN_LIST_FIRST;
  const linesOf = (wanted: (name: string) => boolean): SquidAccessLine[] =>
    access.flatMap(({ name, line }) => (wanted(name) ? [line] : []));
  const own = [...new Map(access.filter(({ name }) => !isClass(name)).map(({ name }) => [name.toLowerCase(), name]))];
  const lists = own.map(([lower, name]): [string, NamedField] => [
    lower,
    { name, lines: linesOf((each) => each.toLowerCase() === lower || (isOld && each === EVERY)) },
  ]);
  const named = new Map(lists.filter(([lower]) => !isOld || known.has(lower)));
  // A replacement makes an entry, too, and an entry without a list lets the field pass.
  for (const [lower, { name }] of replacements) {
    if (!isOld && !isClass(name) && !known.has(lower) && !named.has(lower)) named.set(lower, { name, lines: [] });
  }
  const other = linesOf((name) => name === UNKNOWN);
  const every = linesOf((name) => name === EVERY);
  const unknown = isOld ? linesOf(isClass) : other.length > 0 ? other : every;
  return {
    named,
    known: { names: names.filter((name) => !named.has(name.toLowerCase())), lines: every },
    unknown,
    ignored: lists.filter(([lower]) => !named.has(lower)).map(([, field]) => field),
  };
}
