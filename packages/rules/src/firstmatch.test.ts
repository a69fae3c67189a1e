import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Condition } from './condition.ts';
import { firstMatch } from './firstmatch.ts';
import { compileCondition, type Subject, subjectOf } from './match.ts';

// The index is an opinion on what need not be asked; asking each rule in order is the truth.

const SEED = Number(process.env.OUTRIGGER_SEED ?? Date.now() % 2 ** 31);

const name = fc.constantFrom('a.x', 'b.a.x', 'x', 'c.b.a.x', 'ab.x', 'B.a.X', 'a.x.');
const entry = fc.oneof(
  name,
  name.map((each) => `.${each}`),
  name.map((each) => `!${each}`),
  name.map((each) => `!.${each}`),
  fc.constantFrom('*', '!*'),
);
const hosts = fc.array(entry, { minLength: 1, maxLength: 3 }).map((list): Condition => ({ hosts: list }));
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small' },
    hosts,
    fc.tuple(hosts, fc.constantFrom('GET', '!GET')).map(([one, method]): Condition => ({ ...one, methods: [method] })),
    fc.constantFrom<Condition>({}, { methods: ['POST'] }),
    fc.tuple(hosts, fc.array(tie('condition'), { minLength: 1, maxLength: 2 })).map(([one, any]) => ({ ...one, any })),
    fc.array(tie('condition'), { minLength: 1, maxLength: 2 }).map((all) => ({ all })),
    tie('condition').map((not) => ({ not })),
  ),
}));
const request = fc.record({
  host: fc.constantFrom('a.x', 'b.a.x', 'x', 'c.b.a.x', 'ab.x', 'y', '', '.', 'z.y.b.a.x', '[::1]'),
  method: fc.constantFrom('GET', 'POST'),
});

function asking(host: string, method: string): Subject {
  const facts = {
    scheme: 'https',
    port: 443,
    target: '/',
    client: '192.0.2.7',
    connectsFrom: '192.0.2.7',
    connections: 1,
    listener: '',
    time: { day: 'wed', minute: 720 },
    fields: [],
  } as const;
  return subjectOf({ ...facts, authority: host, host, method });
}

describe('firstMatch', () => {
  it('finds the rule that asking each in order finds', () => {
    console.log(`firstMatch: seed ${SEED} (OUTRIGGER_SEED)`);
    fc.assert(
      fc.property(
        fc.array(condition, { maxLength: 40 }),
        fc.array(request, { minLength: 1, maxLength: 8 }),
        (conditions, requests) => {
          const rules = conditions.map((each, rule) => ({
            rule,
            condition: each,
            matches: compileCondition(each, false),
          }));
          const find = firstMatch(rules);
          for (const { host, method } of requests) {
            const subject = asking(host, method);
            expect(find(subject)).toBe(rules.find(({ matches }) => matches(subject))?.rule);
          }
        },
      ),
      { numRuns: 2_000, seed: SEED },
    );
  });

  it('asks no rule of another host', () => {
    let asked = 0;
    const rules = Array.from({ length: 500 }, (_, rule) => ({
      rule,
      condition: { hosts: [`.h${rule}.x`] },
      matches: () => {
        asked += 1;
        return true;
      },
    }));
    expect(firstMatch(rules)(asking('www.h499.x', 'GET'))).toBe(499);
    expect(asked).toBe(1);
  });
});
