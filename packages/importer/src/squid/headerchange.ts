// Room: a change to header fields under a condition of Squid, and several of them that are one.
import type { HeaderChange } from '@outrigger/rules';
import { ALWAYS, type Expr } from './logic.ts';
import type { Resolver } from './resolve.ts';

export function changeWhen(when: Expr, resolver: Resolver, change: HeaderChange): HeaderChange {
  return when.kind === ALWAYS.kind ? change : { when: resolver.condition(when), ...change };
}

/** Neighbours that only take away under one condition are one change. */
export function joined(changes: readonly HeaderChange[]): HeaderChange[] {
  const result: HeaderChange[] = [];
  for (const change of changes) {
    const last = result.at(-1);
    if (
      last !== undefined &&
      onlyRemoves(last) &&
      onlyRemoves(change) &&
      JSON.stringify(last.when) === JSON.stringify(change.when)
    ) {
      last.remove = [...(last.remove ?? []), ...(change.remove ?? [])];
    } else result.push({ ...change });
  }
  return result;
}

function onlyRemoves({ when: _when, remove, ...others }: HeaderChange): boolean {
  return remove !== undefined && Object.keys(others).length === 0;
}
