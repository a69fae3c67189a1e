// Room: a pattern over URLs read as its writer meant it: a host and a path. What is more than that is not guessed at.
import type { SourceRef } from '@outrigger/rules';
import type { Ere } from './ere.ts';
import { atomsOf, type Expr } from './logic.ts';
import type { Pattern } from './meaning.ts';
import type { Model } from './model.ts';
import type { Resolver } from './resolve.ts';

export type Meant = {
  /** The pattern as the file has it. */
  text: string;
  /** As written, in lower case; may begin with a dot. */
  host: string;
  /** As written, from its slash on; may end with one. Never `/` alone. */
  path: string;
  /** Which schemes the pattern asks for, as a regex. */
  scheme: 'https?' | 'http' | 'https';
  /** Nothing, or anything, stands before the host: names below it match too. */
  isDomain: boolean;
  ignoreCase: boolean;
  /** A dot of the host or the path is not escaped, and stands for any character. */
  hasWildDot: boolean;
  at: SourceRef;
};

export type Reading =
  | { kind: 'meant'; meant: Meant }
  | { kind: 'unclear'; pattern: Pattern; at: SourceRef | undefined; reason: string };

/** The patterns that an expression over acls asks for, as far as they are clear. */
export function meantBy(when: Expr, model: Model, resolver: Resolver): Meant[] {
  const readings = positiveUrlAcls(when, model).flatMap((name) =>
    resolver.patternsOf(name).map(({ pattern, at }) => readPattern(pattern, at)),
  );
  return readings.flatMap((each) => (each.kind === 'meant' ? [each.meant] : []));
}

/** Url_regex acls of an expression that appear in it without a `not` alone: narrowing one narrows the whole. */
export function positiveUrlAcls(when: Expr, model: Model): string[] {
  const negated = new Set(negatedAtoms(when));
  return atomsOf(when).filter((name) => model.acls.get(name)?.type === 'url_regex' && !negated.has(name));
}

function negatedAtoms(expr: Expr): string[] {
  if (expr.kind === 'not') return atomsOf(expr.of);
  return expr.kind === 'and' || expr.kind === 'or' ? expr.parts.flatMap(negatedAtoms) : [];
}

/** Stand in the text of a pattern for `.`, for `.*`, and behind a byte that need not be there (`s?`). */
const DOT = '\u0000';
const ANYTHING = '\u0001';
const OPTIONAL = '\u0002';

const SHAPE = new RegExp(
  `^(?:(https?${OPTIONAL}?)://)?(${ANYTHING}?)([A-Za-z0-9._${DOT}-]*[A-Za-z0-9])(/[^?*\\s${ANYTHING}${OPTIONAL}]+)$`,
);
/** Names with a dot, so that no folder is taken for a host. */
const DOMAIN = /^\.?(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*$/;
const PRINTABLE = /^[!-~]*$/;

/** Never fails: what is no host and path comes back with the reason, as a clause. */
export function readPattern(pattern: Pattern, at: SourceRef | undefined): Reading {
  const { ere, ignoreCase } = pattern;
  const unclear = (reason: string): Reading => ({ kind: 'unclear', pattern, at, reason });
  const parts = ere.kind === 'sequence' ? ere.parts : [ere];
  const startsAt = parts[0]?.kind === 'assertion' && parts[0].assertion === 'start' ? 1 : 0;
  const text = textOf(parts.slice(startsAt));
  if (text === undefined || at === undefined)
    return unclear('it has operators that stand for more than a host and a path');
  const isAnchored = startsAt === 1 && !text.startsWith(ANYTHING);
  const match = SHAPE.exec(withoutEnds(text));
  if (match === null) return unclear('it is not a host with a path behind it');
  const [, scheme, anything, ...written] = match;
  const [host = '', path = ''] = written.map((each) => each.replaceAll(DOT, '.'));
  const isDomain = scheme === undefined || anything !== '';
  if (isAnchored && scheme === undefined) return unclear('it wants the URL to begin with a host, and none does');
  if (isDomain && !DOMAIN.test(host.toLowerCase())) return unclear(`${host} may be a part of a name or of a path`);
  if (!ignoreCase && /[A-Z]/.test(host)) return unclear('it wants capitals in the host, where none are');
  if (!PRINTABLE.test(host + path)) return unclear('it has bytes that are no plain text');
  return {
    kind: 'meant',
    meant: {
      text: pattern.text,
      host: host.toLowerCase(),
      path,
      scheme: scheme === 'http' || scheme === 'https' ? scheme : 'https?',
      isDomain,
      ignoreCase,
      hasWildDot: written.join('').includes(DOT),
      at,
    },
  };
}

/** What changes nothing in a pattern that is searched for: `.*` at either end, a last slash that need not be there. */
function withoutEnds(text: string): string {
  const ends = new RegExp(`^${ANYTHING}+|(?:/${OPTIONAL})?${ANYTHING}*$`, 'g');
  return text.replace(ends, '');
}

/** The bytes of a pattern, with the marks above for the few operators people put between; undefined for any other. */
function textOf(parts: readonly Ere[]): string | undefined {
  let text = '';
  for (const part of parts) {
    const [single, mark] =
      part.kind === 'repeat' && part.least === 0 && part.most === 1 ? [part.of, OPTIONAL] : [part, ''];
    if (single.kind === 'byte') text += String.fromCharCode(single.byte) + mark;
    else if (single.kind === 'any' && mark === '') text += DOT;
    else if (isAnything(part)) text += ANYTHING;
    else return undefined;
  }
  return text;
}

function isAnything(part: Ere): boolean {
  return part.kind === 'repeat' && part.of.kind === 'any' && part.least === 0 && part.most === undefined;
}

/** What a `hosts` list says for it: the domain and all below, where the pattern let names below match. */
export function hostEntry({ host, isDomain }: Meant): string {
  return isDomain ? `.${host.replace(/^\./, '')}` : host;
}

/** A name the pattern surely means. */
export function hostOf({ host }: Meant): string {
  return host.startsWith('.') ? `www${host}` : host;
}

/** The path as whole segments. */
export function prefixOf({ path }: Meant): string {
  return path.replace(/\/$/, '');
}
