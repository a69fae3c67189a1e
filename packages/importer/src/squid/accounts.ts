// Room: what became of the lines about peers and answers, once the routes are known. Writes into the ledger, changes nothing.
import { remark } from '../ledger.ts';
import type { SquidAccessLine } from './access.ts';
import { allowedBy, atomsOf, type Expr, isNever, most, printExpr } from './logic.ts';
import type { Model } from './model.ts';
import type { Peer } from './peers.ts';
import { asksOnlyOfRequests } from './permissions.ts';
import type { Resolver } from './resolve.ts';
import { type Choice, type PlannedRoute, takesOf } from './routes.ts';

export function remarkPeers(model: Model, routes: readonly PlannedRoute[], resolver: Resolver): void {
  for (const peer of model.peers) {
    if (peer.kind !== 'origin') continue;
    const { entry } = peer.directive;
    const choice = choicesIn(routes).find(({ peers }) => peers.includes(peer));
    if (choice === undefined) {
      remarkUnreached(peer, resolver);
      continue;
    }
    const { tls, servers } = peer.upstream;
    remark(entry, 'translated', 'SQUID_CARRIED', `upstream ${choice.name}, ${servers.join(', ')}`);
    if (tls?.verify === false) {
      const message = `the certificate of ${servers.join(', ')} is not checked (DONT_VERIFY_PEER): whoever answers there gets passwords and mail`;
      remark(entry, 'translated', 'SQUID_TLS_UNVERIFIED', message, {
        severity: 'warning',
        hint: `Set tls.ca to its authority and tls.serverName to a name in its certificate, then remove tls.verify: false.`,
      });
    }
    if (peer.access.length === 0 && peer.domains.length === 0 && model.peers.length > 1) {
      remark(
        entry,
        'translated',
        'SQUID_PEER_UNRESTRICTED',
        'has no cache_peer_access line, so it takes any request that reaches it',
      );
    }
  }
}

/** Choices that routes lead to, at first or as a fallback. */
function choicesIn(routes: readonly PlannedRoute[]): Choice[] {
  return routes.flatMap(({ choice, fallback }) => [choice, ...fallback.map((each) => each.choice)]);
}

/** Three reasons why no route leads to a peer, and only the last is what Squid would do as well. */
function remarkUnreached(peer: Peer, resolver: Resolver): void {
  const { entry } = peer.directive;
  const takes = takesOf(peer, resolver);
  if (isNever(takes)) {
    remark(entry, 'irrelevant', 'SQUID_PEER_UNREACHED', 'its access list lets no request pass; no upstream is made', {
      severity: 'warning',
    });
  } else if (atomsOf(takes).every(resolver.isKnown)) {
    const message = 'gets no request while the peers before it can be reached; no upstream is made';
    remark(entry, 'approximated', 'SQUID_PEER_UNREACHED', message, {
      hint: 'If it was meant to stand in for another, add it to the servers of that upstream.',
    });
  } else {
    remark(
      entry,
      'untranslated',
      'SQUID_PEER_INEXPRESSIBLE',
      'which requests it takes cannot be said, so no upstream is made',
    );
  }
}

export function remarkRoutes(model: Model, routes: readonly PlannedRoute[], resolver: Resolver): void {
  for (const peer of model.peers) {
    const leading = routes.flatMap((route, index) =>
      leadsTo(route, peer) ? [routeText(route, index, peer, resolver)] : [],
    );
    for (const { directive } of peer.access) {
      if (leading.length === 0)
        remark(directive.entry, 'irrelevant', 'SQUID_PEER_UNREACHED', `no route leads to ${peer.name}`);
      else remark(directive.entry, 'translated', 'SQUID_CARRIED', leading.join('; '));
    }
  }
  for (const { directive } of model.lists.neverDirect) {
    remark(
      directive.entry,
      'irrelevant',
      'SQUID_NEVER_DIRECT',
      'an accelerator never goes direct unless told, and Outrigger never does',
    );
  }
}

function leadsTo({ choice, fallback }: PlannedRoute, peer: Peer): boolean {
  return [choice, ...fallback.map((each) => each.choice)].some(({ peers }) => peers.includes(peer));
}

function routeText({ choice, when }: PlannedRoute, index: number, peer: Peer, { nameOf }: Resolver): string {
  const what = when.kind === 'always' ? 'everything else' : printExpr(when, nameOf);
  const standsIn = choice.peers.includes(peer) ? '' : ', or here while that cannot be reached';
  return `route ${index + 1}: ${what} goes to ${choice.name}${standsIn}`;
}

/** http_reply_access decides when the server has answered: its denials come earlier here, or not at all. */
export function remarkReplyAccess(model: Model, resolver: Resolver): void {
  const lines = model.lists.reply;
  const held = most(notAllowed(lines, resolver), resolver.isKnown);
  const isCarried = asksOnlyOfRequests(model, resolver);
  for (const { directive, action } of lines) {
    const { entry } = directive;
    if (isNever(held)) {
      remark(entry, 'irrelevant', 'SQUID_OPERATION', 'lets every answer through, as Outrigger does');
    } else if (!isCarried) {
      const message = 'decides over answers, which Outrigger passes as they are';
      const hint = 'Deny the requests instead, or filter at the server.';
      remark(entry, 'untranslated', 'SQUID_REPLY_ACCESS', message, { hint, concerns: resolver.condition(held) });
    } else if (action === 'deny' || directive === lines.at(-1)?.directive) {
      const which = action === 'deny' ? 'such requests' : 'requests that no line before it allows';
      const message = `${which} are denied before a server is asked; Squid asked it and kept the answer back`;
      remark(entry, 'approximated', 'SQUID_REPLY_ACCESS', message, { concerns: resolver.condition(held) });
    }
  }
}

function notAllowed(lines: readonly SquidAccessLine[], resolver: Resolver): Expr {
  return allowedBy(
    [...lines, ...impliedLast(lines)].map((line) => ({
      action: line.action === 'allow' ? 'deny' : 'allow',
      when: resolver.lineOf(line),
    })),
  );
}

/** The implied last line spelled out, so that the list can be turned around. */
function impliedLast(lines: readonly SquidAccessLine[]): SquidAccessLine[] {
  const last = lines.at(-1);
  if (last === undefined) return [];
  return [
    {
      action: last.action === 'allow' ? 'deny' : 'allow',
      terms: [{ acl: 'all', negated: false, written: 'all' }],
      directive: last.directive,
    },
  ];
}
