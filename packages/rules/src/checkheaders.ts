// Room: what changes to header fields can get wrong: fields that are not theirs to change, values that cannot be filled in.
import type { Report } from './check.ts';
import { checkCondition } from './checkcondition.ts';
import { fieldObstacle, type HeaderChange } from './headers.ts';
import type { DocumentPath } from './positions.ts';
import { requestTemplateError } from './requestvalue.ts';
import type { RuleSet, Upstream } from './schema.ts';

/** Findings about the changes of an upstream or a route, which stands at `path`. */
export function checkHeaderChanges(
  rule: Pick<Upstream, 'requestHeaders' | 'responseHeaders' | 'forwardedFor'> & { rpcOverHttp?: boolean },
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
      if (rule.rpcOverHttp) checkLogins(change, LOGIN_FIELD[key], [...path, key, index], report);
    });
  }
}

/** What a login to Exchange needs in heads: the credentials, and the challenge that asks for them. */
const LOGIN_FIELD = { requestHeaders: 'Authorization', responseHeaders: 'WWW-Authenticate' } as const;

/** A list of what stays is easily one field short, and then Outlook asks for the password for ever. */
function checkLogins({ when, keep }: HeaderChange, field: string, path: DocumentPath, report: Report): void {
  if (when !== undefined || keep === undefined) return;
  if (keep.some((name) => name.toLowerCase() === field.toLowerCase())) return;
  const message = `${field} is not among the fields that stay: nobody can log in at a server of Exchange`;
  report('warning', 'RULES_NO_LOGIN', [...path, 'keep'], message, `Add ${field}.`);
}

function checkChange(change: HeaderChange, path: DocumentPath, rules: RuleSet, report: Report): void {
  const { when, keep, remove = [], replace = {}, set = {}, add = {} } = change;
  if (when !== undefined) checkCondition(when, [...path, 'when'], rules, report);
  const fields = [replace, set, add].flatMap((each) => Object.keys(each));
  if (keep === undefined && remove.length + fields.length === 0) {
    report('error', 'RULES_BAD_HEADER', path, 'this changes nothing', 'Give keep, remove, replace, set or add.');
  }
  remove.forEach((name, index) => {
    checkName(name, [...path, 'remove', index], report);
  });
  for (const [key, lines] of [
    ['replace', replace],
    ['set', set],
    ['add', add],
  ] as const) {
    for (const [name, values] of Object.entries(lines)) {
      checkName(name, [...path, key, name], report);
      for (const value of [values].flat()) checkValue(value, [...path, key, name], report);
    }
  }
}

function checkName(name: string, path: DocumentPath, report: Report): void {
  const hint = fieldObstacle(name);
  if (hint !== undefined) report('error', 'RULES_BAD_HEADER', path, `${name} cannot be changed`, hint);
}

function checkValue(value: string, path: DocumentPath, report: Report): void {
  const message = requestTemplateError(value);
  if (message !== undefined) report('error', 'RULES_BAD_HEADER', path, message);
}
