// Room: which rules came of which lines: the other direction of the `from` that each rule carries. A rule names the lines that
// made it; the acls on those lines had a part in it too.
import type { RuleSet } from '@outrigger/rules';
import type { LedgerEntry } from '../ledger.ts';
import { placeKey, rulePaths } from '../rulepaths.ts';
import type { SquidAccessLine } from './access.ts';
import type { Model } from './model.ts';
import { aclsReached } from './resolve.ts';

/** Enters into each entry the rules it had a part in, in the order of the rules file. */
export function enterRules(entries: readonly LedgerEntry[], rules: RuleSet, model: Model): void {
  const byPlace = new Map<string, LedgerEntry[]>();
  for (const entry of entries) byPlace.set(placeKey(entry.at), [...(byPlace.get(placeKey(entry.at)) ?? []), entry]);
  const lines = linesByPlace(model);
  for (const [path, from] of rulePaths(rules)) {
    const keys = new Set(from.map(placeKey));
    for (const key of [...keys]) {
      const acls = lines.get(key)?.flatMap(({ terms }) => terms.map(({ acl }) => acl)) ?? [];
      for (const name of aclsReached(acls, model.acls)) {
        for (const { directive } of model.acls.get(name)?.lines ?? []) {
          if (directive !== undefined) keys.add(placeKey(directive.at));
        }
      }
    }
    for (const key of keys) for (const entry of byPlace.get(key) ?? []) entry.rules.push(path);
  }
}

function linesByPlace({ lists, peers }: Model): Map<string, SquidAccessLine[]> {
  const lines = new Map<string, SquidAccessLine[]>();
  for (const line of [
    ...Object.values(lists).flat(),
    ...peers.flatMap(({ access, domains }) => [...access, ...domains]),
  ]) {
    const key = placeKey(line.directive.at);
    lines.set(key, [...(lines.get(key) ?? []), line]);
  }
  return lines;
}
