// Room: which requests of a virtual host go past Apache, as one condition: what their log is to tell. Pure.
import type { Condition, PathCondition } from '@outrigger/rules';
import { joined, pathed } from './accesslines.ts';
import type { Move } from './moves.ts';

/** The requests that moved: those of the paths, but for what of them stays. */
export function movedRequests(moves: readonly Move[], host: Condition): Condition {
  const isPlain = moves.every(({ when }) => Object.keys(when).length === 0);
  const moved = isPlain
    ? pathed(host, pathsOf(moves))
    : joined(host, { any: moves.map((move) => pathed(move.when, pathsOf([move]))) });
  const staying = distinct(moves.flatMap((move) => move.staying.map(({ where }) => where)));
  if (staying.length === 0) return moved;
  const paths = staying.map(onlyPaths);
  const stays: Condition = paths.includes(undefined)
    ? staying.length === 1
      ? (staying[0] ?? {})
      : { any: staying }
    : { path: distinct(paths.flatMap((each) => each ?? [])) };
  return { all: [moved, { not: stays }] };
}

/** Paths in the case that their server reads; undefined where all are among them. */
function pathsOf(moves: readonly Move[]): PathCondition[] | undefined {
  if (moves.some(({ path }) => path === undefined)) return undefined;
  return distinct(
    moves.flatMap(({ path = [], sign }) =>
      path.map((each) => ({ ...each, ignoreCase: each.ignoreCase ?? sign !== undefined })),
    ),
  );
}

/** The paths of a condition that says nothing else. */
function onlyPaths({ path, ...rest }: Condition): PathCondition[] | undefined {
  return Object.keys(rest).length === 0 ? path : undefined;
}

function distinct<Item>(items: readonly Item[]): Item[] {
  return [...new Map(items.map((each) => [JSON.stringify(each), each])).values()];
}
