import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { observe, readObservations } from '../testing/observations.ts';
import { type Subject, translatePattern } from './regex.ts';

const FIXTURES = join(import.meta.dirname, '../../../../fixtures/ere');

describe('translatePattern against glibc', () => {
  const paths = readObservations(join(FIXTURES, 'paths.tsv'));
  const hosts = readObservations(join(FIXTURES, 'hosts.tsv'));

  it.each([
    ['the text itself', 'text', paths, (subject: string) => subject],
    ['the path of a URL', 'path', paths, (subject: string) => `http://axb.d:81${subject}`],
    ['the host of a URL', 'host', hosts, (subject: string) => `https://${subject}/ab.c:0/com?contoso.com`],
    ['the host before a port', 'host', hosts, (subject: string) => `http://${subject}:8081/a`],
  ] as const)('matches the same over %s', (_what, subject, { subjects, rows }, textOf) => {
    const texts = subjects.map(textOf);
    expect(rows.length).toBeGreaterThan(200);
    const ours = rows.map((row) => [row.pattern, row.ignoreCase, observe(row, subject, texts)]);
    expect(ours).toEqual(rows.map((row) => [row.pattern, row.ignoreCase, row.matches]));
  });

  it('says most patterns that are sound, rather than refusing', () => {
    const sound = paths.rows.filter(({ matches }) => matches !== 'invalid');
    const refused = sound.filter(
      ({ pattern, ignoreCase }) => translatePattern(pattern, ignoreCase, 'path').kind === 'inexpressible',
    );
    expect(refused.length / sound.length).toBeLessThan(0.3);
  });
});

describe('translatePattern', () => {
  const regexes = (source: string, subject: Subject, ignoreCase = false): unknown => {
    const translation = translatePattern(source, ignoreCase, subject);
    return translation.kind === 'patterns' ? translation.patterns.map(({ regex }) => regex) : translation.kind;
  };

  it('leaves a plain pattern as the person wrote it', () => {
    expect(regexes('contoso.com/microsoft-server-activesync', 'url')).toEqual([
      'contoso.com/microsoft-server-activesync',
    ]);
  });

  it('anchors a path behind the host', () => {
    expect(regexes('^/owa', 'path')).toEqual(['^[a-z]+://[^/]*/owa']);
    expect(regexes('/owa', 'path')).toEqual(['^[a-z]+://[^/]*(?:/.*)?/owa']);
    expect(regexes('\\.php$', 'path')).toEqual(['^[a-z]+://[^/]*/.*\\.php$']);
  });

  it('does not let a pattern over the path match in the host', () => {
    expect(regexes('mail', 'path')).toEqual(['^[a-z]+://[^/]*/.*mail']);
  });

  it('keeps wildcards of a host pattern inside the host', () => {
    expect(regexes('^mail.*\\.test$', 'host')).toEqual(['^[a-z]+://mail[^/:]*\\.test(?::[0-9]+)?[/*]']);
  });

  it('does not fold bytes above 7F, as glibc in the C locale does not', () => {
    expect(regexes('\xe9', 'url', true)).toEqual(['(?-i:\\x{E9})']);
  });

  it('refuses a back-reference and a count RE2 does not hold', () => {
    expect(regexes('(a)\\1', 'url')).toBe('inexpressible');
    expect(regexes('a{1001}', 'url')).toBe('inexpressible');
  });
});
