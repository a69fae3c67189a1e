// Room: what is said of the lines of a virtual host: of those whose paths moved what they became, of the others why they stay. Pure but
// for the remarks it leaves.
import type { Condition } from '@outrigger/rules';
import { type Disposition, remark } from '../ledger.ts';
import { remarkOnce } from './accesslines.ts';
import { remarkBackend } from './backend.ts';
import { type Effect, effectOf } from './effects.ts';
import type { Lift, Move, Stay } from './moves.ts';
import { type HeldLine, heldLines, type PathSection, wholeSections } from './pathsections.ts';
import { proxyLines } from './proxypass.ts';
import { reverseLines } from './reversals.ts';
import type { Servers, VirtualHost } from './servers.ts';
import { inherited } from './settings.ts';
import { type ConfigNode, directivesOf } from './tree.ts';

/** Why a path stays. */
export function remarkStay({ prefix, line, obstacle, isExchange, hint }: Stay): void {
  const because = obstacle.line === line ? '' : ` (line ${obstacle.line.at.line})`;
  const why = `${prefix ?? 'it'} stays with Apache: ${obstacle.reason}${because}`;
  if (!isExchange) {
    remarkOnce(line, why, 'APACHE_STAYS', 'irrelevant');
    return;
  }
  remark(line.entry, 'untranslated', 'APACHE_NOT_MOVED', `${why}. RPC over HTTP does not pass there`, {
    hint: hint ?? 'Write the route by hand if it may move.',
  });
}

/** Lines of proxying that are no matter of ours: why they stay is said, too. */
export function remarkOthers(servers: Servers, host: VirtualHost, lift: Lift): void {
  for (const { directive, target } of proxyLines(servers, host)) {
    if (directive.entry.remarks.length > 0 || target === undefined) continue;
    const isHttp = /^(?:https?|balancer):/i.test(target);
    const why = isHttp
      ? lift === 'all'
        ? 'it takes no path of its own'
        : 'nothing says that it leads to Exchange; with --lift all it moves where a rule can do the same'
      : 'only Apache speaks the protocol behind it';
    remarkOnce(directive, `stays with Apache: ${why}`, 'APACHE_STAYS', 'irrelevant');
  }
}

/** For which Hosts the paths of a virtual host are routed. */
export function remarkHost({ section, serverName }: VirtualHost, hosts: string[] | undefined, lift: Lift): void {
  const whom = hosts === undefined ? 'every Host' : hosts.join(', ');
  const what = lift === 'all' ? 'its proxied paths' : 'its paths of Exchange';
  remark(
    section.entry,
    'translated',
    'APACHE_CARRIED',
    `${what} are routed for ${whom}; the rest of ${serverName ?? 'it'} stays with Apache`,
  );
}

/** What became of the lines that a move comes from. `to`: its upstream; `requests`: which they are. */
export function remarkMove(move: Move, to: string, servers: Servers, host: VirtualHost, requests: Condition): void {
  const { line, staying, changes, read, sections } = move;
  const { backend } = read;
  if (move.isAdded === undefined) remarkRoute(move, to);
  const whole = wholeSections(sections);
  remarkBackend(servers, host, whole, read, line);
  for (const each of staying) {
    const who = `requests that ${each.line.at.directive} (line ${each.line.at.line}) is for stay with Apache`;
    if (!/^proxypass$/.test(each.line.key)) remarkOnce(line, who, 'APACHE_STAYS');
  }
  for (const made of changes.made) remarkOnce(made, 'made by the routes of paths that moved', 'APACHE_HEADER');
  for (const { line: almost, message } of changes.almost)
    remarkConcerning(almost, { code: 'APACHE_HEADER', message }, requests);
  remarkReversals(servers, host, sections);
  remarkOtherwise(servers, host, sections, requests);
  const own = { code: 'APACHE_HEADER', message: 'on paths that moved Outrigger writes this field itself' } as const;
  for (const ours of changes.ours) remarkConcerning(ours, own, requests, 'translated');
  if (changes.frontEndHttps !== undefined && backend.kind === 'exchange')
    remarkOnce(changes.frontEndHttps, 'frontEndHttps of the upstream', 'APACHE_CARRIED');
}

type Otherwise = Extract<Effect, { kind: 'otherwise' }>;

const REVERSED = 'in rewrite of the routes of paths that moved';
const DOTS =
  'in rewrite of the routes of paths that moved; a Domain with a dot in front is changed too, as browsers read it';
const NOWHERE =
  'left out on paths that moved: in such a section Apache takes its pattern for a path, and sends clients to addresses that are none';

function remarkReversals(servers: Servers, host: VirtualHost, sections: readonly PathSection[]): void {
  const whole = wholeSections(sections);
  for (const key of ['proxypassreverse', 'proxypassreversecookiepath', 'proxypassreversecookiedomain']) {
    const inside = whole.flatMap((section) =>
      key === 'proxypassreverse' ? reverseLines(section) : directivesOf(section.children, key),
    );
    for (const line of [...inherited(servers, host, key), ...inside]) {
      if (key === 'proxypassreversecookiedomain') remarkAlmost({ line, message: DOTS });
      else remarkOnce(line, REVERSED, 'APACHE_CARRIED');
    }
  }
  for (const section of whole.filter((each) => reverseLines(each).length === 0)) {
    for (const line of directivesOf(section.children, 'proxypassreverse')) remarkAlmost({ line, message: NOWHERE });
  }
}

/** Lines for some of its requests or all that a path moves without. */
function remarkOtherwise(
  servers: Servers,
  host: VirtualHost,
  sections: readonly PathSection[],
  requests: Condition,
): void {
  const parts = sections.filter(({ reach }) => reach.kind !== 'whole').flatMap(({ section }) => section.children);
  const lines = [
    ...heldLines(servers, host, wholeSections(sections)),
    ...parts.map((line): HeldLine => ({ line, isInside: true })),
  ];
  for (const { line, isInside } of lines) {
    const effect = effectOf(line, isInside ? 'section' : 'server');
    if (effect?.kind === 'otherwise') remarkConcerning(line, effect, requests);
  }
}

/** Remarks it once, for the requests of all paths that it is said of. */
function remarkConcerning(
  { entry }: ConfigNode,
  { code, message }: Pick<Otherwise, 'code' | 'message'>,
  requests: Condition,
  disposition: Disposition = 'approximated',
): void {
  const said = entry.remarks.find((each) => each.message === message);
  if (said === undefined) remark(entry, disposition, code, message, { concerns: requests });
  else said.concerns = { any: [said.concerns ?? {}, requests] };
}

function remarkAlmost({ line, message }: { line: ConfigNode; message: string }): void {
  if (!line.entry.remarks.some((each) => each.message === message))
    remark(line.entry, 'approximated', 'APACHE_HEADER', message);
}

function remarkRoute({ prefix, line, sign, path, rewrite, read }: Move, to: string): void {
  const isAnyCase = sign !== undefined && rewrite?.path === undefined;
  const what = path === undefined ? 'every path' : isAnyCase ? `${prefix} in any case` : prefix;
  const mapped = rewrite?.path === undefined ? '' : `, as ${rewrite.path.to}`;
  remark(line.entry, 'translated', 'APACHE_CARRIED', `route to upstream ${to} for ${what}${mapped}`);
  if (sign !== undefined) {
    remarkOnce(
      line,
      `${read.backend.name} is taken for Exchange because of ${sign}: RPC may be tunnelled to it`,
      'APACHE_EXCHANGE',
    );
  }
}
