// Room: limits of time that work and end what Exchange keeps open on purpose: a poll of ActiveSync, a channel that is silent.
import type { Report } from './check.ts';
import type { Condition } from './condition.ts';
import { requestFacts } from './facts.ts';
import { compileRules, route } from './route.ts';
import { type Route, type RuleSet, upstreamsOf } from './schema.ts';
import { type Timeouts, timeoutsOf } from './timeouts.ts';
import { formatDuration } from './units.ts';

/** Milliseconds below which phones lose their push: Exchange warns of polls cut earlier (field cases 69, 70, 72). */
const SHORTEST_POLL = 15 * 60_000;

/** Milliseconds below which a channel ends between two pings of Outlook, which are 12 and 15 minutes apart (field case 8). */
const SHORTEST_SILENCE = 15 * 60_000;

const POLL = { method: 'POST', target: '/Microsoft-Server-ActiveSync?Cmd=Ping', version: '1.1' } as const;
const ACTIVE_SYNC = /activesync/i;

/** A client from outside (RFC 5737). */
const CLIENT = '192.0.2.1';

/** A moment at which rules that look at the clock let people in, as a rule. */
const WORKING_HOURS = { day: 'wed', minute: 12 * 60 } as const;

type Wait = keyof Timeouts;

/** The rule set must be free of errors: it is asked where a poll would go. */
export function checkTimeouts(rules: RuleSet, report: Report): void {
  const told = new Set<string>();
  let polled: Set<Route> | undefined;
  rules.routes.forEach((each, index) => {
    for (const name of upstreamsOf(each)) checkWaits(each, index, name);
  });

  function checkWaits(each: Route, index: number, name: string): void {
    const upstream = rules.upstreams.get(name);
    if (upstream === undefined) return;
    const waits = timeoutsOf(upstream, each);
    const tell = (wait: Wait, victim: string, least: number): void => {
      const path = each.timeouts?.[wait] === undefined ? ['upstreams', name] : ['routes', index];
      const place = [...path, 'timeouts', wait];
      // Several routes may have it from one upstream.
      if (told.has(place.join())) return;
      told.add(place.join());
      const message = `${formatDuration(waits[wait])} ends ${victim}: mail stops without an error`;
      report(
        'warning',
        'RULES_SHORT_WAIT',
        place,
        message,
        `Give ${formatDuration(least)} at least; the default is longer.`,
      );
    };
    if (upstream.rpcOverHttp && waits.tunnelIdle < SHORTEST_SILENCE) {
      tell('tunnelIdle', 'channels that Outlook keeps open', SHORTEST_SILENCE);
    }
    const short = (['answer', 'idle'] as const).filter((wait) => waits[wait] < SHORTEST_POLL);
    const meant = upstream.rpcOverHttp || ACTIVE_SYNC.test(JSON.stringify(each.when ?? {}));
    if (short.length === 0 || !meant) return;
    polled ??= routesOfPolls(rules);
    if (!polled.has(each)) return;
    for (const wait of short) tell(wait, 'the polls of phones', SHORTEST_POLL);
  }
}

/** Routes that a poll takes, asked for at every host the rules name and at none of them. */
function routesOfPolls(rules: RuleSet): Set<Route> {
  const compiled = compileRules(rules);
  const taken = new Set<Route>();
  const hosts = new Set(['unnamed.invalid', ...rules.routes.flatMap(({ when }) => hostsIn(when ?? {}))]);
  for (const listener of rules.listen) {
    for (const host of hosts) {
      const read = requestFacts(
        { ...POLL, fields: [['Host', host]] },
        { listener, client: CLIENT, time: WORKING_HOURS },
      );
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
