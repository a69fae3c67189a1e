// Room: what is wrong with a fallback that would work: one that is tried twice, or that gets what was never meant for it.
import type { Report } from './check.ts';
import type { DocumentPath } from './positions.ts';
import type { Route, RuleSet, Upstream } from './schema.ts';

/** Findings about the fallback of one route, which stands at `path`. */
export function checkFallback(route: Route, path: DocumentPath, { upstreams }: RuleSet, report: Report): void {
  if (route.fallback === undefined) return;
  if (route.rewrite !== undefined) {
    const message =
      'a route that rewrites has no fallback: its requests have been sent before it is known whether they arrive';
    report('error', 'RULES_FALLBACK', path, message, 'Leave out one of the two.');
  }
  // One that stands in for some requests may stand in for others as well.
  const whole = [route, ...route.fallback.filter(({ when }) => when === undefined)].map(({ to }) => to);
  const twice = whole.find((name, index) => whole.indexOf(name) < index);
  if (twice !== undefined) {
    const message = `${twice} is tried twice, and cannot be reached the second time either`;
    report('warning', 'RULES_FALLBACK', path, message, 'Name each upstream once.');
  }
  if (!upstreams.get(route.to)?.rpcOverHttp) return;
  for (const name of new Set(route.fallback.map(({ to }) => to))) {
    const upstream = upstreams.get(name);
    if (upstream === undefined || upstream.rpcOverHttp || dropsLogins(upstream)) continue;
    const message = `${name} is no Exchange, and gets the logins of clients of ${route.to} whenever that cannot be reached`;
    const hint = `Leave ${name} out, or give it requestHeaders: { remove: Authorization }.`;
    report('warning', 'RULES_FALLBACK', path, message, hint);
  }
}

/** Some change takes Authorization away; for which requests is for whoever wrote it. */
function dropsLogins({ requestHeaders = [] }: Upstream): boolean {
  return requestHeaders.some(({ remove = [] }) => remove.some((name) => name.toLowerCase() === 'authorization'));
}
