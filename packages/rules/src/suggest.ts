// Room: what a shape error means to the person who wrote the file, with the name they probably meant.
import { closest, distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import type { RulesCode } from './check.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { DocumentPath, Positions } from './positions.ts';
import { jsonSchema } from './schema.ts';

type Issue = z.core.$ZodIssue;

/** Findings for one issue of the schema, each at the key or value that is wrong. `base` is the path the issue is relative to. */
export function describeIssue(issue: Issue, base: DocumentPath, positions: Positions): Diagnostic<RulesCode>[] {
  const path = [...base, ...issue.path.filter((step) => typeof step !== 'symbol')];
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(path);
    return issue.keys.map((key) => ({
      severity: 'error',
      code: 'RULES_UNKNOWN_KEY',
      at: positions.atKey(path, key),
      message: `${key} is not a key here`,
      hint: suggestion(key, known) ?? `Known here: ${known.join(', ')}.`,
    }));
  }
  if (issue.code === 'invalid_union') {
    const branch = intendedBranch(issue.errors);
    if (branch !== undefined) return branch.flatMap((inner) => describeIssue(inner, path, positions));
  }
  return [{ severity: 'error', code: 'RULES_SHAPE', at: positions.at(path), message: shapeMessage(issue) }];
}

/** Characters of a name that somebody mistyped; what is longer is no name, and the comparison takes its length squared. */
const NAME_MAX = 100;

/** `Did you mean routes?` for the nearest of `known`; undefined where none is near. */
export function suggestion(given: string, known: readonly string[]): string | undefined {
  if (known.length === 0 || given.length > NAME_MAX) return undefined;
  const nearest = closest(given, known);
  // A third of the letters wrong is still the same word to a person; more is another word.
  return distance(given.toLowerCase(), nearest.toLowerCase()) <= Math.max(1, Math.floor(given.length / 3))
    ? `Did you mean ${nearest}?`
    : undefined;
}

/**
 * The alternative a person meant: the one with the fewest complaints among those of the right kind. Undefined where
 * several are equally near: then the union's own message says more.
 */
function intendedBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const ofTheRightKind = branches.filter((issues) => !issues.some(isWrongKind));
  const weight = (issues: readonly Issue[]): number =>
    issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0);
  const [best, next] = [...ofTheRightKind].sort((a, b) => weight(a) - weight(b));
  if (best === undefined || (next !== undefined && weight(next) === weight(best))) return undefined;
  return best;
}

/** Another kind of value than any that could stand there: a list for a name, a name for a mapping. */
function isWrongKind(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === 'invalid_union') return issue.errors.every((issues) => issues.some(isWrongKind));
  return issue.code === 'invalid_type';
}

/** What is missing altogether, and not something in it. */
function isAbsent(issue: Issue): boolean {
  return issue.path.length === 0 && isMissing(issue);
}

/** The library tells a missing value from a wrong one only in its own words. */
function isMissing(issue: Issue): boolean {
  if (issue.code !== 'invalid_union') return issue.message.endsWith('received undefined');
  return issue.errors.length > 0 && issue.errors.every((issues) => issues.length > 0 && issues.every(isAbsent));
}

function shapeMessage(issue: Issue): string {
  const name = String(issue.path.at(-1) ?? 'this');
  if (isMissing(issue)) return `${name} is missing here`;
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  if (issue.code !== 'invalid_type') return issue.message;
  return `${name} must be ${issue.expected === 'array' ? 'a list' : `a ${issue.expected}`}`;
}

type Schema = {
  $ref?: string;
  $defs?: Record<string, Schema>;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
  allOf?: Schema[];
};

/** Keys the published schema knows at a path. */
function knownKeys(path: DocumentPath): string[] {
  const root = jsonSchema() as Schema;
  const resolve = (schema: Schema): Schema[] => {
    const target = schema.$ref === undefined ? schema : (root.$defs?.[schema.$ref.replace('#/$defs/', '')] ?? {});
    return [target, ...[...(target.anyOf ?? []), ...(target.allOf ?? [])].flatMap(resolve)];
  };
  const step = (schema: Schema, key: string | number): Schema[] =>
    resolve(schema).flatMap(({ properties, additionalProperties, items }) => {
      if (typeof key === 'number') return items === undefined ? [] : [items];
      const property = properties?.[key];
      if (property !== undefined) return [property];
      return typeof additionalProperties === 'object' ? [additionalProperties] : [];
    });
  const schemas = path.reduce<Schema[]>((current, key) => current.flatMap((schema) => step(schema, key)), [root]);
  return [...new Set(schemas.flatMap(resolve).flatMap(({ properties }) => Object.keys(properties ?? {})))];
}
