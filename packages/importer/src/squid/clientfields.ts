// Room: what servers are told, and whom Squid believes: header fields of every upstream, X-Forwarded-For towards them, and the
// proxies in front whose X-Forwarded-For counts (SQ-202). Source: http.cc, HttpStateData::httpBuildRequestHeader; client_side_request.cc,
// clientFollowXForwardedForCheck.
import type { Upstream } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { printTerms, type SquidAccessLine } from './access.ts';
import type { Directive } from './expand.ts';
import { lowerHeaders } from './lowerheaders.ts';
import type { MeaningContext } from './meaning.ts';
import type { Model } from './model.ts';
import type { Resolver } from './resolve.ts';

/** Keys that every upstream gets: Squid changes fields without asking where a request goes. */
export function lowerFields(
  model: Model,
  resolver: Resolver,
): Pick<Upstream, 'forwardedFor' | 'requestHeaders' | 'responseHeaders'> {
  const requestHeaders = lowerHeaders(model.headers.request, 'request', model.version, resolver);
  const responseHeaders = lowerHeaders(model.headers.reply, 'reply', model.version, resolver);
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

/** `unseen`: why acls on addresses cannot be said, of the client where the list trusts more than addresses, else of the connection. */
export type Trusted = { ranges: string[]; unseen: Pick<MeaningContext, 'unseenClients' | 'unseenConnections'> };

/** Proxies in front that follow_x_forwarded_for believes. */
export function trustedByAcls(model: Model, resolver: Resolver): Trusted {
  if (model.directAcls !== undefined) return believedByLogAlone(model, model.directAcls);
  const trusted = believedByAcls(model, resolver);
  if (trusted.ranges.length > 0 && model.directLog !== undefined) {
    const message =
      'logs name the client of X-Forwarded-For, as rules see it; Squid named the address that connects, which is via= in the log on stdout';
    remark(model.directLog.entry, 'approximated', 'SQUID_LOG', message);
  }
  return trusted;
}

function believedByAcls(model: Model, resolver: Resolver): Trusted {
  const ranges: string[] = [];
  const lines = [...model.followForwarded];
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    const { action, terms, directive } = line;
    const expr = resolver.lineOf(line);
    if (action === 'deny' && expr.kind === 'always') {
      remark(directive.entry, 'translated', 'SQUID_CARRIED', 'nobody else is believed');
      remarkUnasked(lines, directive);
      return trustedRanges(ranges);
    }
    if (expr.kind === 'never') {
      // Behind the last line stands its opposite: everybody is believed whom no line before it names.
      if (action === 'deny' && lines.length === 0) return believesTooMuch(directive);
      remark(directive.entry, 'translated', 'SQUID_CARRIED', 'holds for nobody');
      continue;
    }
    const clients = expr.kind === 'atom' && resolver.isKnown(expr.name) ? resolver.condition(expr).clients : undefined;
    const isPlain = action === 'allow' && clients?.every((entry) => !entry.startsWith('!'));
    if (!isPlain || clients === undefined) {
      remarkUnasked(lines, directive);
      return believesTooMuch(directive);
    }
    ranges.push(...clients);
    const message = `trustedProxies: X-Forwarded-For of ${printTerms(terms)} is believed, in rules and in the log`;
    remark(directive.entry, 'translated', 'SQUID_CARRIED', message);
  }
  return trustedRanges(ranges);
}

function trustedRanges(ranges: readonly string[]): Trusted {
  const unseenConnections =
    'miss_access asks it of the address that connects, and rules see the client X-Forwarded-For names';
  return { ranges: [...new Set(ranges)], unseen: ranges.length === 0 ? {} : { unseenConnections } };
}

/** Lines behind the one that ends the matter. */
function remarkUnasked(lines: readonly SquidAccessLine[], behind: Directive): void {
  for (const { directive } of lines) {
    const message = `changes nothing: the lines up to line ${behind.at.line} decide whom to believe`;
    remark(directive.entry, 'irrelevant', 'SQUID_NEVER_MATCHES', message);
  }
}

/** Acls see who connects all the same, and so do rules that trust nobody. */
function believedByLogAlone({ followForwarded }: Model, { at }: Directive): Trusted {
  const message = `with acl_uses_indirect_client off (line ${at.line}) only the log of Squid names the client of X-Forwarded-For; here rules and log name the address that connects`;
  for (const { directive } of followForwarded) {
    remark(directive.entry, 'approximated', 'SQUID_LOG', message, {
      hint: 'Name the proxies in front in trustedProxies if that is wanted: rules on clients go by it, too.',
    });
  }
  return { ranges: [], unseen: {} };
}

function believesTooMuch(directive: Directive): Trusted {
  const message =
    'believes more than a list of addresses says; rules on client addresses see the address that connects';
  remark(directive.entry, 'untranslated', 'SQUID_UNTRANSLATED', message, {
    hint: 'Name the proxies in front in trustedProxies, and check every rule on client addresses.',
  });
  const unseenClients = `with follow_x_forwarded_for (line ${directive.at.line}) it sees the address a header names`;
  return { ranges: [], unseen: { unseenClients } };
}
