// Room: limits of time that work and break something all the same: a poll of ActiveSync that is held longer than we wait for it.
import type { Report } from './check.ts';
import { requestFacts } from './facts.ts';
import { compileRules, route } from './route.ts';
import type { Condition, Route, RuleSet } from './schema.ts';
import { timeoutsOf } from './timeouts.ts';
import { formatDuration } from './units.ts';

/** Milliseconds under which phones lose push: Exchange warns of heartbeats cut earlier (field cases 69, 70, 72). */
const HELD_POLL_LEAST = 15 * 60_000;

const POLL = { method: 'POST', target: '/Microsoft-Server-ActiveSync?Cmd=Ping', version: '1.1' } as const;
const ACTIVE_SYNC = /activesync/i;

/** A client from outside (RFC 5737). */
const CLIENT = '192.0.2.1';

/** The rule set must be free of errors: it is asked where a poll would go. */
export function checkTimeouts(rules: RuleSet, report: Report): void {
  const short = rules.routes.filter((each) => shortest(rules, each) < HELD_POLL_LEAST);
  if (short.length === 0) return;
  const polled = routesOfPolls(rules);
  for (const each of short) {
    const exchange = rules.upstreams.get(each.to)?.rpcOverHttp === true;
    const meant = exchange || ACTIVE_SYNC.test(JSON.stringify(each.when ?? {}));
    if (!meant || !polled.has(each)) continue;
    const { answer, idle } = each.timeouts ?? {};
    const own = Math.min(answer ?? Infinity, idle ?? Infinity) < HELD_POLL_LEAST;
    report(
      'warning',
      'RULES_SHORT_POLL',
      own ? ['routes', rules.routes.indexOf(each), 'timeouts'] : ['upstreams', each.to, 'timeouts'],
      `polls of ActiveSync end after ${formatDuration(shortest(rules, each))}: phones hold them for up to an hour, and lose push mail where they are cut`,
      'Set answer and idle to 65m on the route of /Microsoft-Server-ActiveSync.',
    );
  }
}

function shortest(rules: RuleSet, each: Route): number {
  const upstream = rules.upstreams.get(each.to);
  if (upstream === undefined) return Infinity;
  const { answer, idle } = timeoutsOf(upstream, each);
  return Math.min(answer, idle);
}

/** Routes that a poll takes, asked for at every host the rules name and at none of them. */
function routesOfPolls(rules: RuleSet): Set<Route> {
  const compiled = compileRules(rules);
  const taken = new Set<Route>();
  const hosts = new Set(['unnamed.invalid', ...rules.routes.flatMap(({ when }) => hostsIn(when ?? {}))]);
  for (const listener of rules.listen) {
    for (const host of hosts) {
      const read = requestFacts({ ...POLL, fields: [['Host', host]] }, { listener, client: CLIENT });
      const chosen = read.kind === 'facts' ? route(compiled, read.facts).route : undefined;
      if (chosen !== undefined) taken.add(chosen);
    }
  }
  return taken;
}

/** Names in a condition's hosts, and what looks like names in its patterns, as imports write them (`contoso\.com/owa`). */
function hostsIn({ hosts = [], url = [], any = [], all = [] }: Condition): string[] {
  const written = hosts.filter((host) => !/^[!*]/.test(host)).map((host) => host.replace(/^\./, ''));
  const patterns = url.flatMap(({ regex }) => regex.replaceAll('\\', '').match(/[a-z0-9-]+(?:\.[a-z0-9-]+)+/gi) ?? []);
  return [...written, ...patterns, ...[...any, ...all].flatMap(hostsIn)];
}
