import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { HOST_CASES, ourVerdicts } from './testing/hostcases.ts';
import { matchesName } from './vhosts.ts';

const RECORDED: Record<string, string[]> = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../../fixtures/apache-vhosts-2.4.71.json'), 'utf8'),
);

it.each(HOST_CASES)('chooses as Apache 2.4.71 did: $name', (hostCase) => {
  expect(ourVerdicts(hostCase)).toEqual(RECORDED[hostCase.name]);
});

it('takes a pattern of many stars in time', () => {
  expect(matchesName(`${'*a'.repeat(60)}b`, 'a'.repeat(250))).toBe(false);
});
