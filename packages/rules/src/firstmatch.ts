// Room: the first of many rules that holds, without asking each: rules that name their hosts are filed under them, and a request
// asks those of its host and those that name none. What a rule means stays its predicate; the index only leaves out rules that
// cannot hold.
import type { Condition } from './condition.ts';
import { hostsNamed, type Predicate, type Subject } from './match.ts';

export type FirstMatch<Rule> = (subject: Subject) => Rule | undefined;

type Rules<Rule> = readonly { rule: Rule; condition: Condition; matches: Predicate }[];

/** Rules from which filing them pays; below, asking each is as quick. */
const FILED_LEAST = 8;

/** A function that finds the first rule whose predicate holds; the same one as asking each in order. */
export function firstMatch<Rule>(rules: Rules<Rule>): FirstMatch<Rule> {
  if (rules.length < FILED_LEAST) return (subject) => rules.find(({ matches }) => matches(subject))?.rule;
  const { exact, domains, open } = filed(rules);
  return (subject) => {
    const { host } = subject.facts;
    // Lists of positions, each in order: the first position whose rule holds is looked for in all of them at once.
    const lists = [open, exact.get(host), domains.get(host)];
    for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      lists.push(domains.get(host.slice(dot + 1)));
    }
    let first = rules.length;
    for (const list of lists) {
      for (const position of list ?? []) {
        if (position >= first) break;
        if (rules[position]?.matches(subject) !== true) continue;
        first = position;
        break;
      }
    }
    return rules[first]?.rule;
  };
}

type Filed = { exact: Map<string, number[]>; domains: Map<string, number[]>; open: number[] };

/** Positions of rules by the hosts without which they cannot hold; `open` are those that may hold for any. */
function filed(rules: Rules<unknown>): Filed {
  const file: Filed = { exact: new Map(), domains: new Map(), open: [] };
  rules.forEach(({ condition }, position) => {
    const named = hostsNamed(condition);
    if (named === undefined) {
      file.open.push(position);
      return;
    }
    for (const [map, names] of [
      [file.exact, named.exact],
      [file.domains, named.domains],
    ] as const) {
      for (const name of names) map.set(name, [...(map.get(name) ?? []), position]);
    }
  });
  return file;
}
