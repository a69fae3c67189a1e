// Room: what servers are told, and whom Squid believes: header fields of every upstream, X-Forwarded-For towards them, and the
// proxies in front whose X-Forwarded-For counts (SQ-202). Source: http.cc, HttpStateData::httpBuildRequestHeader; client_side_request.cc,
// clientFollowXForwardedForCheck.
import type { Upstream } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import { printTerms, type SquidAccessLine } from './access.ts';
import { EVERY_ADDRESS } from './aclnumbers.ts';
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

/** `clients`: what `src` acls see where that is not what conditions on clients see. */
export type Trusted = { ranges: string[]; clients: Pick<MeaningContext, 'unseenClients' | 'srcIsConnection'> };

/** Proxies in front that follow_x_forwarded_for believes. */
export function trustedByAcls(model: Model, resolver: Resolver): Trusted {
  const { directAcls, directLog } = model;
  if (directAcls !== undefined && directLog !== undefined) return believedByNobody(model, directAcls, directLog);
  const trusted = believedByAcls(model, resolver);
  if (trusted.ranges.length === 0) return trusted;
  if (directLog !== undefined) {
    const message =
      'logs name the client of X-Forwarded-For, as rules see it; Squid named the address that connects, which is via= in the log on stdout';
    remark(directLog.entry, 'approximated', 'SQUID_LOG', message);
  }
  if (directAcls === undefined) return trusted;
  const message =
    'src acls become connectsFrom, the address that connects, whomever X-Forwarded-For names as the client';
  remark(directAcls.entry, 'translated', 'SQUID_CARRIED', message);
  return { ...trusted, clients: { srcIsConnection: true } };
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
      // Behind the last line stands its opposite.
      if (action === 'deny' && lines.length === 0) return everybodyTrusted(directive);
      remark(directive.entry, 'translated', 'SQUID_CARRIED', 'holds for nobody');
      continue;
    }
    if (expr.kind === 'always') {
      remarkUnasked(lines, directive);
      return everybodyTrusted(directive);
    }
    const clients = expr.kind === 'atom' && resolver.isKnown(expr.name) ? resolver.condition(expr).clients : undefined;
    const isPlain = action === 'allow' && clients?.every((entry) => !entry.startsWith('!'));
    if (!isPlain || clients === undefined) {
      remarkUnasked(lines, directive);
      return believesTooMuch(model, directive);
    }
    ranges.push(...clients);
    const message = `trustedProxies: X-Forwarded-For of ${printTerms(terms)} is believed, in rules and in the log`;
    remark(directive.entry, 'translated', 'SQUID_CARRIED', message);
  }
  return trustedRanges(ranges);
}

function trustedRanges(ranges: readonly string[]): Trusted {
  return { ranges: [...new Set(ranges)], clients: {} };
}

/** Exact, and as good as no rule on clients at all: who wants in claims an address. */
function everybodyTrusted({ entry }: Directive): Trusted {
  const message =
    'trustedProxies: X-Forwarded-For of everybody is believed, as by Squid: any client may claim any address, in rules and in the log';
  remark(entry, 'translated', 'SQUID_CARRIED', message, {
    severity: 'warning',
    hint: 'Name the proxies in front in trustedProxies instead.',
  });
  return trustedRanges(EVERY_ADDRESS);
}

/** Lines behind the one that ends the matter. */
function remarkUnasked(lines: readonly SquidAccessLine[], behind: Directive): void {
  for (const { directive } of lines) {
    const message = `changes nothing: the lines up to line ${behind.at.line} decide whom to believe`;
    remark(directive.entry, 'irrelevant', 'SQUID_NEVER_MATCHES', message);
  }
}

/** Neither acls nor logs go by what the list finds. */
function believedByNobody({ followForwarded }: Model, ...off: Directive[]): Trusted {
  const lines = off.map(({ at }) => at.line).sort((a, b) => a - b);
  const message = `changes nothing: acls and logs see the address that connects (lines ${lines.join(' and ')})`;
  for (const { directive } of followForwarded) remark(directive.entry, 'irrelevant', 'SQUID_OPERATION', message);
  return { ranges: [], clients: {} };
}

function believesTooMuch({ directAcls }: Model, directive: Directive): Trusted {
  if (directAcls !== undefined) {
    const message = `only the log of Squid names the client of X-Forwarded-For (acl_uses_indirect_client, line ${directAcls.at.line}), and of more proxies than a list of addresses says; here rules and log name the address that connects`;
    remark(directive.entry, 'approximated', 'SQUID_LOG', message);
    return { ranges: [], clients: {} };
  }
  const message =
    'believes more than a list of addresses says; rules on client addresses see the address that connects';
  remark(directive.entry, 'untranslated', 'SQUID_UNTRANSLATED', message, {
    hint: 'Name the proxies in front in trustedProxies, and check every rule on client addresses.',
  });
  const unseenClients = `with follow_x_forwarded_for (line ${directive.at.line}) it sees the address a header names`;
  return { ranges: [], clients: { unseenClients } };
}
