// Room: `http_access deny toomany` with an acl of type maxconn: a limit of connections for each client, which rules have as well.
// Source: acl/MaxConnection.cc: the acl holds where a client has more connections open than its number.
import { remark } from '../ledger.ts';
import type { SquidAccessLine } from './access.ts';
import type { Acl } from './acl.ts';
import type { Model } from './model.ts';
import { aclsReached } from './resolve.ts';

/** The model without the lines that are such a limit, and the limit; the model itself where it has none that could be carried. */
export function withoutClientLimits(model: Model): { model: Model; connectionsPerClient?: number } {
  const limits = leadingLimits(model);
  if (limits.length === 0) return { model };
  const connectionsPerClient = Math.min(...limits.map(({ most }) => most));
  for (const { line, most } of limits) {
    const message =
      most === connectionsPerClient
        ? `limits.connectionsPerClient: ${most}. A client that opens more has them closed, where Squid answered 403; of IPv6 a /64 counts as one client, and proxies that are trusted are not counted`
        : `takes nothing away: another line lets a client have ${connectionsPerClient} connections at most`;
    remark(line.directive.entry, 'approximated', 'SQUID_CLIENT_CONNECTIONS', message, { severity: 'note' });
  }
  const http = model.lists.http.filter((line) => limits.every((limit) => limit.line !== line));
  return { model: withoutUnused({ ...model, lists: { ...model.lists, http } }, limits), connectionsPerClient };
}

type Limit = { line: SquidAccessLine; acl: string; most: number };

/**
 * Lines with which a limit holds for everybody: nothing is allowed in front of them, and another line stands behind, for the last one
 * also says what becomes of the rest. With follow_x_forwarded_for a client is not who connects.
 */
function leadingLimits({ lists, acls, followForwarded }: Model): Limit[] {
  if (followForwarded.length > 0) return [];
  const firstAllow = lists.http.findIndex(({ action }) => action === 'allow');
  const leading = lists.http.slice(0, firstAllow === -1 ? -1 : firstAllow);
  return leading.flatMap((line): Limit[] => {
    const [term] = line.terms;
    if (term === undefined || line.terms.length > 1 || term.negated) return [];
    const most = mostConnections(acls.get(term.acl));
    return most === undefined ? [] : [{ line, acl: term.acl, most }];
  });
}

function mostConnections(acl: Acl | undefined): number | undefined {
  const [line] = acl?.lines ?? [];
  if (acl?.type !== 'maxconn' || line === undefined || acl.lines.length > 1 || line.values.length !== 1)
    return undefined;
  const [text = ''] = line.values.map((value) => value.text);
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

/** Takes away the acls of these limits that nothing else names. */
function withoutUnused(model: Model, limits: readonly Limit[]): Model {
  const named = namedAcls(model);
  const acls = new Map(model.acls);
  for (const { acl } of limits) {
    const lines = acls.get(acl)?.lines ?? [];
    if (named.has(acl)) continue;
    acls.delete(acl);
    for (const { directive } of lines)
      if (directive !== undefined)
        remark(directive.entry, 'translated', 'SQUID_CARRIED', 'is a limit of connections, see the line that denies');
  }
  return { ...model, acls };
}

/** Acls that lines of any list name, groups opened. */
function namedAcls(model: Model): Set<string> {
  const lines = [
    ...Object.values(model.lists).flat(),
    ...model.proxyProtocol,
    ...model.logs.lines,
    ...Object.values(model.headers).flatMap(({ access, additions }) => [
      ...access.map(({ line }) => line),
      ...additions,
    ]),
    ...model.peers.flatMap(({ access, domains }) => [...access, ...domains]),
  ];
  const names = lines.flatMap(({ terms }) => terms.map(({ acl }) => acl));
  return aclsReached(names, model.acls);
}
