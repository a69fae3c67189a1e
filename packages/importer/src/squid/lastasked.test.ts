import { expect, it } from 'vitest';
import type { Term } from './access.ts';
import type { Acl } from './acl.ts';
import { lastAsked, type Questions } from './lastasked.ts';
import { atom, printExpr } from './logic.ts';

const group = (name: string, type: string, ...lines: string[]): Acl => ({
  name,
  type,
  lines: lines.map((line) => ({ values: line.split(' ').map((text) => ({ text, ignoreCase: false })) })),
});

const leaves = ['a', 'b', 'c'].map((name): Acl => ({ name, type: 'src', lines: [] }));
const wide = Array.from({ length: 20 }, () => 'any').join(' ');
const acls = [group('any', 'any-of', 'a !b'), group('every', 'all-of', 'a b', 'c'), group('wide', 'any-of', wide)];
const questions: Questions = {
  acls: new Map([...leaves, ...acls].map((acl) => [acl.name, acl])),
  exprOf: (acl) => atom(acl),
};

function asked(line: string, holds: boolean): string[] | undefined {
  const terms = line.split(' ').map((written): Term => {
    const negated = written.startsWith('!');
    return { acl: negated ? written.slice(1) : written, negated, written };
  });
  return lastAsked(terms, holds, questions)?.map(({ acl, when }) => `${acl}: ${printExpr(when, (name) => name)}`);
}

it.each<[string, boolean, string[]]>([
  ['a b', true, ['b: every request']],
  ['a b', false, ['a: !a', 'b: !b']],
  ['a !b', false, ['a: !a', 'b: b']],
  ['any', true, ['a: a', 'b: !b']],
  ['!any', true, ['b: b']],
  ['every', true, ['b: a and b', 'c: c']],
  ['!every', true, ['c: !c']],
])('of %s (holds: %s) it is %j', (line, holds, cases) => {
  expect(asked(line, holds)).toEqual(cases);
});

it('gives up on groups of groups that would fill a file', () => {
  expect(asked('wide', true)).toBeUndefined();
});
