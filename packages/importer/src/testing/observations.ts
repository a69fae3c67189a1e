// Room: what glibc matches, as recorded under fixtures/ere or asked on the spot, beside what the importer's translation does.
import { readFileSync } from 'node:fs';
import { compileRegex } from '@outrigger/rules';
import { type Subject, translatePattern } from '../squid/regex.ts';

/** `matches`: one digit a subject, 1 or 0; or `invalid`. */
export type Observed = { pattern: string; ignoreCase: boolean; matches: string };

/** What glibc itself said about random patterns: see the head of each file. */
export function readObservations(path: string): { subjects: string[]; rows: Observed[] } {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const [head = '', ...rest] = lines;
  const rows = rest.map((line) => {
    const [flag = '', pattern = '', matches = ''] = line.split('\t');
    return { pattern, ignoreCase: flag === 'i', matches };
  });
  return { subjects: head.split('\t').slice(1), rows };
}

/** The observation our translation makes; the given one where it claims nothing. */
export function observe(
  { pattern, ignoreCase, matches }: Observed,
  subject: Subject,
  texts: readonly string[],
): string {
  const translation = translatePattern(pattern, ignoreCase, subject);
  if (translation.kind === 'inexpressible') return matches;
  if (translation.kind === 'invalid') return 'invalid';
  if (translation.kind !== 'patterns') return (translation.kind === 'always' ? '1' : '0').repeat(texts.length);
  const compiled = translation.patterns.map(({ regex, ignoreCase: without }) => compileRegex(regex, without ?? false));
  return texts.map((text) => (compiled.some((each) => each.ok && each.regex.test(text)) ? '1' : '0')).join('');
}
