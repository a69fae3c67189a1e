// Room: what a condition of the right shape can still get wrong: hosts and paths that no request has, addresses and patterns that do not
// parse, listeners that are not there.
import { parseAddressRange } from './address.ts';
import type { Report } from './check.ts';
import type { Condition, PathCondition } from './condition.ts';
import { listenerName } from './facts.ts';
import type { DocumentPath } from './positions.ts';
import { compileRegex } from './regex.ts';
import type { RuleSet } from './schema.ts';
import { suggestion } from './suggest.ts';

/** Reports entries of a condition that can never hold, or do not parse, wherever in it. */
export function checkCondition(condition: Condition, path: DocumentPath, rules: RuleSet, report: Report): void {
  condition.hosts?.forEach((entry, index) => {
    checkHost(entry, [...path, 'hosts', index], report);
  });
  for (const key of ['clients', 'connectsFrom'] as const) {
    condition[key]?.forEach((entry, index) => {
      if (parseAddressRange(entry.replace(/^!/, '')) !== undefined) return;
      const message = `${entry} is not an address, a CIDR block or first-last`;
      report('error', 'RULES_BAD_CLIENTS', [...path, key, index], message);
    });
  }
  condition.listeners?.forEach((entry, index) => {
    const names = rules.listen.map(listenerName);
    const name = entry.replace(/^!/, '');
    if (names.includes(name)) return;
    report(
      'error',
      'RULES_UNKNOWN_LISTENER',
      [...path, 'listeners', index],
      `there is no listener ${name}`,
      suggestion(name, names),
    );
  });
  condition.path?.forEach((entry, index) => {
    checkPath(entry, [...path, 'path', index], report);
  });
  for (const key of ['url', 'headers'] as const) {
    condition[key]?.forEach((entry, index) => {
      checkRegex(entry, [...path, key, index], report);
    });
  }
  for (const key of ['any', 'all'] as const) {
    condition[key]?.forEach((inner, index) => {
      checkCondition(inner, [...path, key, index], rules, report);
    });
  }
  if (condition.not !== undefined) checkCondition(condition.not, [...path, 'not'], rules, report);
}

/** Reports a host that no request can name. */
export function checkHost(entry: string, place: DocumentPath, report: Report): void {
  const host = entry.replace(/^!/, '');
  const isAddress = /^\[.*\]$/.test(host);
  if (host === '*' || isAddress || !/[/:\s*]/.test(host)) return;
  const message = `${entry} never matches: a host is a name without scheme, port or path, and * stands only alone`;
  const hint = host.startsWith('*.') ? `For a domain and all below it write ${host.slice(1)}.` : undefined;
  report('error', 'RULES_BAD_HOST', place, message, hint);
}

function checkPath(entry: PathCondition, place: DocumentPath, report: Report): void {
  if ('regex' in entry) {
    checkRegex(entry, place, report);
    return;
  }
  const text = 'prefix' in entry ? entry.prefix : entry.exact;
  const reason = !text.startsWith('/')
    ? 'a path begins with /'
    : /%[0-9a-f]{2}|\/\/|\/\.{1,2}(?:\/|$)|[?\\]/i.test(text)
      ? 'conditions see the path decoded, without //, dot segments, backslash or query'
      : undefined;
  if (reason !== undefined) {
    report(
      'error',
      'RULES_BAD_PATH',
      place,
      `${text} never matches: ${reason}`,
      'Write the path as the server reads it.',
    );
  }
}

function checkRegex(
  entry: { regex: string; ignoreCase?: boolean | undefined },
  place: DocumentPath,
  report: Report,
): void {
  const result = compileRegex(entry.regex, entry.ignoreCase ?? false);
  if (result.ok) return;
  report(
    'error',
    'RULES_BAD_REGEX',
    place,
    `${entry.regex} is not a pattern of the RE2 dialect: ${result.message}`,
    'Back-references and look-around are not in it: they cannot be run in linear time.',
  );
}
