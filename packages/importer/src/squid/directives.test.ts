import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { directiveKind } from './directives.ts';

const NAMES = join(import.meta.dirname, '../../../../fixtures/squid-directives-5.7.txt');

it('knows every directive of Squid 5.7', () => {
  const names = readFileSync(NAMES, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  expect(names.length).toBeGreaterThan(300);
  expect(names.filter((name) => directiveKind(name, '').kind === 'unknown' && name !== 'include')).toEqual([]);
});

it('tells a name no Squid knows from one it does not carry over, with what was meant', () => {
  expect(directiveKind('http_acces', 'allow all')).toEqual({ kind: 'unknown', hint: 'Did you mean http_access?' });
  expect(directiveKind('delay_pools', '1')).toMatchObject({ settled: { disposition: 'untranslated' } });
});

it('lets a value turn the sentence around', () => {
  expect(directiveKind('request_body_max_size', '0 KB')).toMatchObject({ settled: { disposition: 'irrelevant' } });
  expect(directiveKind('request_body_max_size', '10 MB')).toMatchObject({ settled: { disposition: 'untranslated' } });
});
