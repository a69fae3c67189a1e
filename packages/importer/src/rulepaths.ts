// Room: what a rule is called in a report: its place in the rules file, `listen[0]`, `upstreams.web`, `pages.sorry`, `access[2]`, `routes[0]`.
import { formatPlace, type RuleSet, type SourceRef } from '@outrigger/rules';

/** Every rule in the order of the rules file, by its place there, with the lines it was imported from. */
export function rulePaths({
  listen,
  upstreams,
  pages = new Map(),
  access,
  routes,
}: RuleSet): (readonly [path: string, from: SourceRef[]])[] {
  const listed = (name: string, items: readonly { from?: SourceRef[] }[]) =>
    items.map(({ from = [] }, index) => [`${name}[${index}]`, from] as const);
  return [
    ...listed('listen', listen),
    ...[...upstreams].map(([name, { from = [] }]) => [`upstreams.${name}`, from] as const),
    ...[...pages].map(([name, { from = [] }]) => [`pages.${name}`, from] as const),
    ...listed('access', access),
    ...listed('routes', routes),
  ];
}

/** One line of one reading of a file: a line of a file that is included twice is two lines. */
export function placeKey(at: SourceRef): string {
  return at.via === undefined ? formatPlace(at) : `${formatPlace(at)} ${placeKey(at.via)}`;
}
