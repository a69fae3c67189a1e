// Room: what a rules file of the right shape can still get wrong: names that lead nowhere, patterns and addresses that do
// not parse, rules that can never match, and settings that work but should be known to be dangerous.

import { checkCondition } from './checkcondition.ts';
import { checkFrontDoor } from './checkdoor.ts';
import { checkExchange } from './checkexchange.ts';
import { checkFallback } from './checkfallback.ts';
import { checkHeaderChanges } from './checkheaders.ts';
import { checkLogs } from './checklogs.ts';
import { checkPages } from './checkpages.ts';
import { checkServers } from './checkservers.ts';
import { checkTimeouts } from './checktimeouts.ts';
import { checkServerTls, checkVersions } from './checktls.ts';
import type { Condition } from './condition.ts';
import { redirectError } from './denial.ts';
import type { Diagnostic, Severity } from './diagnostic.ts';
import { listenerName } from './facts.ts';
import { passedThroughTo } from './passthrough.ts';
import type { DocumentPath, Positions } from './positions.ts';
import { type RuleSet, type Upstream, upstreamsOf } from './schema.ts';
import { parseListenAddress, parseServer } from './server.ts';
import { suggestion } from './suggest.ts';

/** Closed list; each has a line in the README of this package. */
export type RulesCode =
  | 'RULES_SYNTAX'
  | 'RULES_SHAPE'
  | 'RULES_UNKNOWN_KEY'
  | 'RULES_UNKNOWN_UPSTREAM'
  | 'RULES_UNKNOWN_LISTENER'
  | 'RULES_UNKNOWN_PAGE'
  | 'RULES_BAD_PAGE'
  | 'RULES_UNUSED_PAGE'
  | 'RULES_DUPLICATE_LISTENER'
  | 'RULES_BAD_ADDRESS'
  | 'RULES_BAD_CLIENTS'
  | 'RULES_BAD_REGEX'
  | 'RULES_BAD_PATH'
  | 'RULES_BAD_HOST'
  | 'RULES_BAD_TLS'
  | 'RULES_BAD_ENDPOINT'
  | 'RULES_NO_ACCESS'
  | 'RULES_NEVER_MATCHES'
  | 'RULES_UNUSED_UPSTREAM'
  | 'RULES_TLS_OFFLOAD'
  | 'RULES_TLS_UNVERIFIED'
  | 'RULES_REWRITE_RPC'
  | 'RULES_FALLBACK'
  | 'RULES_CONNECTIONS'
  | 'RULES_AFFINITY'
  | 'RULES_TLS_OBSOLETE'
  | 'RULES_TRUSTS_EVERYBODY'
  | 'RULES_UNUSED_ENDPOINTS'
  | 'RULES_SHORT_WAIT'
  | 'RULES_BAD_LOG'
  | 'RULES_LOG_SECRET'
  | 'RULES_BAD_HEADER'
  | 'RULES_NO_LOGIN'
  | 'RULES_BELIEVES_CLIENTS'
  | 'RULES_BAD_REDIRECT'
  | 'RULES_BAD_PASS_THROUGH'
  | 'RULES_PASS_THROUGH_UNSEEN'
  | 'RULES_PKCS12_TRUST';

export type Report = (severity: Severity, code: RulesCode, path: DocumentPath, message: string, hint?: string) => void;

/** Findings about the meaning of a rule set, in no particular order. */
export function checkRules(rules: RuleSet, positions: Positions): Diagnostic<RulesCode>[] {
  const diagnostics: Diagnostic<RulesCode>[] = [];
  const report: Report = (severity, code, path, message, hint) =>
    diagnostics.push({ severity, code, at: positions.at(path), message, ...(hint !== undefined && { hint }) });

  checkListeners(rules, report);
  for (const [name, upstream] of rules.upstreams) checkUpstream(name, upstream, rules, report);
  checkAccess(rules, report);
  checkPages(rules, report);
  checkRoutes(rules, report);
  checkFrontDoor(rules, report);
  checkLogs(rules, report);
  if (!diagnostics.some(({ severity }) => severity === 'error')) checkTimeouts(rules, report);
  return diagnostics;
}

function checkListeners(rules: RuleSet, report: Report): void {
  const names = new Set<string>();
  rules.listen.forEach((listener, index) => {
    const path = ['listen', index] as const;
    if (parseListenAddress(listener.address) === undefined) {
      report(
        'error',
        'RULES_BAD_ADDRESS',
        [...path, 'address'],
        `${listener.address} is not an address to listen on`,
        'Write 203.0.113.10:443, [2001:db8::1]:443 or *:443.',
      );
    }
    const name = listenerName(listener);
    if (names.has(name))
      report(
        'error',
        'RULES_DUPLICATE_LISTENER',
        path,
        `a second listener is called ${name}`,
        'Give one of them another name or address.',
      );
    names.add(name);
    if (listener.tls !== undefined) checkVersions(listener.tls, [...path, 'tls'], report);
  });
}

function checkUpstream(name: string, upstream: Upstream, rules: RuleSet, report: Report): void {
  const path = ['upstreams', name] as const;
  upstream.servers.forEach((server, index) => {
    const parsed = parseServer(server);
    if (parsed === undefined) {
      report(
        'error',
        'RULES_BAD_ADDRESS',
        [...path, 'servers', index],
        `${server} is not a server`,
        'Write https://10.1.1.14:443 or http://127.0.0.1:8080, without a path, or unix:/run/web.sock.',
      );
    } else if (parsed.scheme !== 'https' && upstream.rpcOverHttp) {
      report(
        'warning',
        'RULES_TLS_OFFLOAD',
        [...path, 'servers', index],
        `Exchange is reached over plain HTTP: logins fail where Extended Protection is on (Exchange 2019 CU14 and later switch it on)`,
        'Write https:// and show the same certificate here as on Exchange.',
      );
    }
  });
  checkExchange(name, upstream, report);
  checkServerTls(name, upstream, report);
  checkServers(upstream, path, report);
  checkHeaderChanges(upstream, path, rules, report);
  if (!rules.routes.some((route) => upstreamsOf(route).includes(name)) && !passedThroughTo(rules).has(name)) {
    report('warning', 'RULES_UNUSED_UPSTREAM', path, `no route leads to upstream ${name}`);
  }
}

function checkAccess(rules: RuleSet, report: Report): void {
  if (rules.access.length === 0) {
    report(
      'warning',
      'RULES_NO_ACCESS',
      ['access'],
      'there is no access line, so every request is denied',
      'Add `access: [{ allow: {} }]` to let through what the routes know.',
    );
  }
  rules.access.forEach((line, index) => {
    checkCondition(line.when, ['access', index, line.action], rules, report);
    const redirect = typeof line.answer === 'object' && 'redirect' in line.answer ? line.answer.redirect : undefined;
    const wrong = redirect === undefined ? undefined : redirectError(redirect);
    if (wrong !== undefined) report('error', 'RULES_BAD_REDIRECT', ['access', index, 'answer', 'redirect'], wrong);
  });
  reportUnreachable(
    rules.access.map(({ when }) => when),
    ['access'],
    'access line',
    report,
  );
}

function checkRoutes(rules: RuleSet, report: Report): void {
  rules.routes.forEach((route, index) => {
    if (rules.upstreams.get(route.to)?.rpcOverHttp && route.rewrite !== undefined) {
      report(
        'warning',
        'RULES_REWRITE_RPC',
        ['routes', index, 'rewrite'],
        `${rules.tunnelMethods.join(', ')} on this route pass without rewriting`,
      );
    }
    checkUpstreamName(route.to, ['routes', index, 'to'], rules, report);
    route.fallback?.forEach(({ to, when }, place) => {
      const at: DocumentPath = ['routes', index, 'fallback', place];
      checkUpstreamName(to, at, rules, report);
      if (when !== undefined) checkCondition(when, [...at, 'when'], rules, report);
    });
    checkFallback(route, ['routes', index, 'fallback'], rules, report);
    checkHeaderChanges(route, ['routes', index], rules, report);
    if (route.when !== undefined) checkCondition(route.when, ['routes', index, 'when'], rules, report);
  });
  reportUnreachable(
    rules.routes.map(({ when }) => when ?? {}),
    ['routes'],
    'route',
    report,
  );
}

function checkUpstreamName(name: string, path: DocumentPath, { upstreams }: RuleSet, report: Report): void {
  if (upstreams.has(name)) return;
  const message = `there is no upstream ${name}`;
  report('error', 'RULES_UNKNOWN_UPSTREAM', path, message, suggestion(name, [...upstreams.keys()]));
}

/** A rule behind one that always holds is dead: nearly always a line in the wrong place. */
function reportUnreachable(conditions: readonly Condition[], path: DocumentPath, noun: string, report: Report): void {
  const always = conditions.findIndex((when) => Object.keys(when).length === 0);
  if (always === -1) return;
  for (let index = always + 1; index < conditions.length; index += 1) {
    report(
      'warning',
      'RULES_NEVER_MATCHES',
      [...path, index],
      `this ${noun} can never match: one before it always does`,
      'Move it up, or leave it out.',
    );
  }
}
