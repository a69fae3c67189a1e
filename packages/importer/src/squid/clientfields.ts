// Room: what servers are told, and whom Squid believes: header fields of every upstream, X-Forwarded-For towards them, and the
// proxies in front whose X-Forwarded-For counts (SQ-202). Source: http.cc, HttpStateData::httpBuildRequestHeader; client_side_request.cc,
// clientFollowXForwardedForCheck.
import type { Upstream } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { printTerms } from './access.ts';
import type { Directive } from './expand.ts';
import { lowerHeaders } from './headers.ts';
import type { Model } from './model.ts';
import type { Resolver } from './resolve.ts';

/** Keys that every upstream gets: Squid changes fields without asking where a request goes. */
export function lowerFields(
  model: Model,
  resolver: Resolver,
): Pick<Upstream, 'forwardedFor' | 'requestHeaders' | 'responseHeaders'> {
  const requestHeaders = lowerHeaders(model.headers.request, 'request', resolver);
  const responseHeaders = lowerHeaders(model.headers.reply, 'reply', resolver);
  return {
    ...forwardedForPolicy(model),
    ...(requestHeaders.length > 0 && { requestHeaders }),
    ...(responseHeaders.length > 0 && { responseHeaders }),
  };
}

type Policy = {
  forwardedFor?: NonNullable<Upstream['forwardedFor']>;
  disposition: 'translated' | 'approximated';
  message: string;
  severity?: 'warning';
};

/** What Squid appends to, Outrigger replaces: behind a client's own claim nobody could tell which part is true. */
const POLICIES: Readonly<Record<string, Policy>> = {
  on: {
    disposition: 'approximated',
    message: 'servers get the address of the client in X-Forwarded-For, without what the client itself claimed',
  },
  off: {
    forwardedFor: 'unknown',
    disposition: 'approximated',
    message: 'servers get X-Forwarded-For: unknown, without what the client itself claimed',
  },
  transparent: {
    forwardedFor: 'pass',
    disposition: 'translated',
    message: 'servers get X-Forwarded-For as the client sends it: one that believes it believes anybody',
    severity: 'warning',
  },
  delete: { forwardedFor: 'remove', disposition: 'translated', message: 'servers get no X-Forwarded-For' },
  truncate: { disposition: 'translated', message: 'servers get the address of the client alone in X-Forwarded-For' },
};

function forwardedForPolicy({ forwardedFor }: Model): Pick<Upstream, 'forwardedFor'> {
  if (forwardedFor === undefined) return {};
  const { entry } = forwardedFor.directive;
  // Squid takes any other word for on (SQ-245).
  const { message, disposition, severity, ...policy } = POLICIES[forwardedFor.policy] ?? (POLICIES.on as Policy);
  const code = disposition === 'translated' ? 'SQUID_CARRIED' : 'SQUID_HEADER';
  remark(entry, disposition, code, message, severity === undefined ? {} : { severity });
  return policy;
}

/**
 * Proxies in front that follow_x_forwarded_for believes. `unclear`: what keeps acls on client addresses from being said, where the
 * list trusts more than addresses, or all of them.
 */
export function trustedByAcls(model: Model, resolver: Resolver): { ranges: string[]; unclear?: string } {
  const ranges: string[] = [];
  for (const { action, terms, directive } of model.followForwarded) {
    const expr = resolver.lineOf({ action, terms, directive });
    if (action === 'deny' && expr.kind === 'always') {
      remark(directive.entry, 'translated', 'SQUID_CARRIED', 'nobody else is believed');
      break;
    }
    if (expr.kind === 'never') {
      remark(directive.entry, 'translated', 'SQUID_CARRIED', 'holds for nobody');
      continue;
    }
    const clients = expr.kind === 'atom' && resolver.isKnown(expr.name) ? resolver.condition(expr).clients : undefined;
    const isPlain = action === 'allow' && clients?.every((entry) => !entry.startsWith('!'));
    if (!isPlain || clients === undefined || model.directAcls !== undefined) return believesTooMuch(directive, model);
    ranges.push(...clients);
    const message = `trustedProxies: X-Forwarded-For of ${printTerms(terms)} is believed, in rules and in the log`;
    remark(directive.entry, 'translated', 'SQUID_CARRIED', message);
  }
  return { ranges: [...new Set(ranges)] };
}

function believesTooMuch(directive: Directive, { directAcls }: Model): { ranges: string[]; unclear: string } {
  const message =
    directAcls === undefined
      ? 'believes more than a list of addresses says; rules on client addresses see the address that connects'
      : `with acl_uses_indirect_client off (line ${directAcls.at.line}) acls and log see different addresses; rules see the one that connects`;
  remark(directive.entry, 'untranslated', 'SQUID_UNTRANSLATED', message, {
    hint: 'Name the proxies in front in trustedProxies, and check every rule on client addresses.',
  });
  return { ranges: [], unclear: `follow_x_forwarded_for (line ${directive.at.line})` };
}
