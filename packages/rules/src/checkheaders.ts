// Room: what changes to header fields can get wrong: fields that are not theirs to change, values that cannot be filled in.
import { checkCondition, type Report } from './check.ts';
import type { HeaderChange } from './headers.ts';
import type { DocumentPath } from './positions.ts';
import { requestTemplateError } from './requestvalue.ts';
import type { RuleSet, Upstream } from './schema.ts';

/**
 * Fields that say where a message ends, what becomes of its connection, or where it goes: what two readers of one head must not
 * disagree about (RFC 9110 7.6.1, RFC 9112 6). What to do instead, where there is something.
 */
const NOT_OURS: ReadonlyMap<string, string> = new Map([
  ...['connection', 'keep-alive', 'proxy-connection', 'upgrade', 'http2-settings', 'te', 'trailer'].map(
    (name) => [name, 'It belongs to one connection, and Outrigger writes its own.'] as const,
  ),
  ...['content-length', 'transfer-encoding', 'expect'].map(
    (name) => [name, 'It says how the body comes, and Outrigger passes bodies as they are.'] as const,
  ),
  ['host', 'Set host of the upstream instead.'],
]);

/** Findings about the changes of an upstream or a route, which stands at `path`. */
export function checkHeaderChanges(
  rule: Pick<Upstream, 'requestHeaders' | 'responseHeaders' | 'forwardedFor'>,
  path: DocumentPath,
  rules: RuleSet,
  report: Report,
): void {
  if (rule.forwardedFor === 'pass') {
    const message = 'X-Forwarded-For passes as the client sends it: a server that believes it believes anybody';
    const hint = 'For a proxy in front, name it in trustedProxies and leave this out.';
    report('warning', 'RULES_BELIEVES_CLIENTS', [...path, 'forwardedFor'], message, hint);
  }
  for (const key of ['requestHeaders', 'responseHeaders'] as const) {
    rule[key]?.forEach((change, index) => {
      checkChange(change, [...path, key, index], rules, report);
    });
  }
}

function checkChange(change: HeaderChange, path: DocumentPath, rules: RuleSet, report: Report): void {
  const { when, remove = [], set = {}, add = {} } = change;
  if (when !== undefined) checkCondition(when, [...path, 'when'], rules, report);
  if (remove.length + Object.keys(set).length + Object.keys(add).length === 0) {
    report('error', 'RULES_BAD_HEADER', path, 'this changes nothing', 'Give remove, set or add.');
  }
  remove.forEach((name, index) => {
    checkName(name, [...path, 'remove', index], report);
  });
  for (const [key, fields] of [
    ['set', set],
    ['add', add],
  ] as const) {
    for (const [name, values] of Object.entries(fields)) {
      checkName(name, [...path, key, name], report);
      for (const value of [values].flat()) checkValue(value, [...path, key, name], report);
    }
  }
}

function checkName(name: string, path: DocumentPath, report: Report): void {
  const hint = NOT_OURS.get(name.toLowerCase());
  if (hint !== undefined) report('error', 'RULES_BAD_HEADER', path, `${name} cannot be changed`, hint);
}

function checkValue(value: string, path: DocumentPath, report: Report): void {
  const message = requestTemplateError(value);
  if (message !== undefined) report('error', 'RULES_BAD_HEADER', path, message);
}
