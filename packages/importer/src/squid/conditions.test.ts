import type { Condition } from '@outrigger/rules';
import { expect, it } from 'vitest';
import { areExclusive, conditionOf } from './conditions.ts';
import { and, atom, type Expr, not, or } from './logic.ts';

const MEANINGS: Record<string, Condition> = {
  one: { hosts: ['.one.test'] },
  two: { hosts: ['two.test'] },
  post: { methods: ['POST'] },
  inside: { clients: ['10.0.0.0/8'] },
  owa: { url: [{ regex: '/owa' }] },
};
const lower = (expr: Expr): Condition => conditionOf(expr, (name) => MEANINGS[name] ?? {});

it('merges different keys, as a person would', () => {
  expect(lower(and([atom('one'), atom('post')]))).toEqual({ hosts: ['.one.test'], methods: ['POST'] });
});

it('writes ! entries where a list is all there is, and not elsewhere', () => {
  expect(lower(not(atom('inside')))).toEqual({ clients: ['!10.0.0.0/8'] });
  expect(lower(not(atom('owa')))).toEqual({ not: { url: [{ regex: '/owa' }] } });
});

it('joins alternatives of one key into one list', () => {
  expect(lower(or([atom('one'), atom('two')]))).toEqual({ hosts: ['.one.test', 'two.test'] });
  expect(lower(or([atom('one'), atom('post')]))).toEqual({ any: [{ hosts: ['.one.test'] }, { methods: ['POST'] }] });
});

it('does not widen two positive lists of one key into one', () => {
  expect(lower(and([atom('one'), atom('two')]))).toEqual({ all: [{ hosts: ['.one.test'] }, { hosts: ['two.test'] }] });
});

it('narrows a positive list by a negated one', () => {
  expect(lower(and([atom('one'), not(atom('two'))]))).toEqual({ hosts: ['.one.test', '!two.test'] });
});

it('does not join a list that holds a ! entry with another', () => {
  expect(lower(or([not(atom('one')), atom('two')]))).toEqual({
    any: [{ hosts: ['!.one.test'] }, { hosts: ['two.test'] }],
  });
});

it('knows when two lists of hosts cannot both hold', () => {
  expect(areExclusive({ hosts: ['.one.test'] }, { hosts: ['two.test'] })).toBe(true);
  expect(areExclusive({ hosts: ['.one.test'] }, { hosts: ['a.one.test'] })).toBe(false);
});
