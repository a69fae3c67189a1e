// Room: the one meaning of a rule. The proxy obeys it, `explain` prints it, tests hold it against the real daemons.
import type { Denial } from './denial.ts';
import { endpointList } from './endpoint.ts';
import type { RequestFacts } from './facts.ts';
import { type FirstMatch, firstMatch } from './firstmatch.ts';
import { compileHeaderChanges, type HeaderEditor, type HeaderEdits } from './headers.ts';
import { compileCondition, type Predicate, type Subject, subjectOf } from './match.ts';
import type { AccessLine, Route, RuleSet, Upstream } from './schema.ts';
import { pathAmbiguity } from './target.ts';
import { compileTrusted, type TrustedProxies } from './trusted.ts';

/** What becomes of a request. `access` and `upstream` are told also where a `refusal` keeps the request from going on. */
export type Decision = {
  access: 'allow' | 'deny';
  /** How a denial is answered; what that comes to is denialAnswer(). */
  answer: Denial;
  /** The line that decided; undefined where no line matched, which denies. */
  accessLine?: AccessLine;
  /** The route that matched; undefined where none did. */
  route?: Route;
  upstream?: string;
  lane: 'relay' | 'rewrite';
  /** What becomes of fields of the request and of its answer; absent where nothing is changed. */
  requestEdits?: HeaderEdits;
  responseEdits?: HeaderEdits;
  /** Why an allowed request is not sent on all the same. */
  refusal?: Refusal;
};

export type Refusal = {
  status: 400 | 403 | 405 | 503;
  code: 'PATH_AMBIGUOUS' | 'METHOD_NOT_TUNNELLED' | 'ENDPOINT_REFUSED' | 'NO_ROUTE';
  message: string;
};

/** An upstream as requests of one route meet it. */
type Destination = {
  name: string;
  upstream: Upstream;
  ignoreCase: boolean;
  /** Whether a tunnel's request target names an endpoint of the upstream's list. */
  allowsEndpoint: (target: string) => boolean;
  /** Undefined where neither the upstream nor the route changes a field. */
  editRequest: HeaderEditor | undefined;
  editResponse: HeaderEditor | undefined;
};

type CompiledRoute = {
  route: Route;
  matches: Predicate;
  to: Destination;
  fallback: readonly { matches: Predicate; to: Destination }[];
};

/** A rule set with its patterns and address sets built. Immutable; shared by all connections. */
export type CompiledRules = {
  ruleSet: RuleSet;
  routes: FirstMatch<CompiledRoute>;
  /** Access lines as a server with case-blind paths reads them, and as one with case-sensitive paths does. */
  access: { ignoringCase: FirstMatch<AccessLine>; respectingCase: FirstMatch<AccessLine> };
  tunnelMethods: ReadonlySet<string>;
  trusts: TrustedProxies;
};

/** Builds patterns and sets once. The rule set must have passed the loader or come from an importer; a bug throws. */
export function compileRules(ruleSet: RuleSet): CompiledRules {
  const accessLines = (ignoreCase: boolean): FirstMatch<AccessLine> =>
    firstMatch(
      ruleSet.access.map((line) => ({
        rule: line,
        condition: line.when,
        matches: compileCondition(line.when, ignoreCase),
      })),
    );
  const destination = (route: Route, name: string): Destination => {
    const upstream = ruleSet.upstreams.get(name);
    if (upstream === undefined) throw new Error(`a route to an unknown upstream passed the loader: ${name}`);
    const ignoreCase = upstream.ignoreCase ?? upstream.rpcOverHttp;
    const allowsEndpoint = upstream.rpcEndpoints === undefined ? () => true : endpointList(upstream.rpcEndpoints);
    const editor = (key: 'requestHeaders' | 'responseHeaders'): HeaderEditor | undefined =>
      compileHeaderChanges([...(upstream[key] ?? []), ...(route[key] ?? [])], ignoreCase);
    return {
      name,
      upstream,
      ignoreCase,
      allowsEndpoint,
      editRequest: editor('requestHeaders'),
      editResponse: editor('responseHeaders'),
    };
  };
  const routes = ruleSet.routes.map((route): CompiledRoute => {
    const to = destination(route, route.to);
    const fallback = (route.fallback ?? []).map(({ to: name, when = {} }) => {
      const standIn = destination(route, name);
      return { matches: compileCondition(when, standIn.ignoreCase), to: standIn };
    });
    return { route, matches: compileCondition(route.when ?? {}, to.ignoreCase), to, fallback };
  });
  return {
    ruleSet,
    routes: firstMatch(routes.map((rule) => ({ rule, condition: rule.route.when ?? {}, matches: rule.matches }))),
    access: { ignoringCase: accessLines(true), respectingCase: accessLines(false) },
    tunnelMethods: new Set(ruleSet.tunnelMethods),
    trusts: compileTrusted(ruleSet.trustedProxies),
  };
}

/**
 * Which rule decides, and what it says. The route is chosen first, because access lines read the path as the server
 * behind will: `/ECP` is `/ecp` to Exchange and another page to Apache. Where no route matches, case is ignored, which
 * can only deny more.
 */
export function route(rules: CompiledRules, facts: RequestFacts): Decision {
  const subject = subjectOf(facts);
  const chosen = rules.routes(subject);
  return decide(rules, subject, chosen?.route, chosen?.to);
}

/**
 * What each upstream of the route's `fallback` that may take the request would make of it, in their order, for the moment no server of its `to` can be
 * connected to: access lines, refusals and changes to fields as that upstream reads them. None where no route matches.
 */
export function fallbackDecisions(rules: CompiledRules, facts: RequestFacts): Decision[] {
  const subject = subjectOf(facts);
  const chosen = rules.routes(subject);
  return (chosen?.fallback ?? [])
    .filter(({ matches }) => matches(subject))
    .map(({ to }) => decide(rules, subject, chosen?.route, to));
}

/** Where a request of this route goes and whether it may, if it goes to `to`; both are undefined where no route matches. */
function decide(
  rules: CompiledRules,
  subject: Subject,
  chosen: Route | undefined,
  to: Destination | undefined,
): Decision {
  const { facts } = subject;
  const accessOf = (to?.ignoreCase ?? true) ? rules.access.ignoringCase : rules.access.respectingCase;
  const accessLine = accessOf(subject);
  const tunnelled = rules.tunnelMethods.has(facts.method);
  const decision: Decision = {
    access: accessLine?.action ?? 'deny',
    answer: accessLine?.answer ?? 'forbidden',
    // Paths of tunnel methods are fixed by their protocols and their bodies are raw: they are never rewritten.
    lane: chosen?.rewrite !== undefined && !tunnelled ? 'rewrite' : 'relay',
  };
  if (accessLine !== undefined) decision.accessLine = accessLine;
  if (chosen !== undefined) decision.route = chosen;
  if (to !== undefined) decision.upstream = to.name;
  const refusal = decision.access === 'allow' ? refusalOf(to, facts, tunnelled) : undefined;
  if (refusal !== undefined) decision.refusal = refusal;
  if (to?.editRequest !== undefined) addEdits(decision, 'requestEdits', to.editRequest(subject));
  if (to?.editResponse !== undefined) addEdits(decision, 'responseEdits', to.editResponse(subject));
  return decision;
}

function addEdits(decision: Decision, key: 'requestEdits' | 'responseEdits', edits: HeaderEdits | undefined): void {
  if (edits !== undefined) decision[key] = edits;
}

function refusalOf(to: Destination | undefined, facts: RequestFacts, tunnelled: boolean): Refusal | undefined {
  if (to === undefined) {
    return { status: 503, code: 'NO_ROUTE', message: 'no route of the rules matches this request' };
  }
  const { name, upstream } = to;
  if (tunnelled && !upstream.rpcOverHttp) {
    return {
      status: 405,
      code: 'METHOD_NOT_TUNNELLED',
      message: `${facts.method} is let through only to an upstream with rpcOverHttp, which ${name} is not`,
    };
  }
  // MS-TSGU names its target inside the tunnel; a query there is a token of the gateway's.
  if (tunnelled && !facts.method.startsWith('RDG_') && !to.allowsEndpoint(facts.target)) {
    return {
      status: 403,
      code: 'ENDPOINT_REFUSED',
      message: `the query names no RPC endpoint that rpcEndpoints of ${name} allow`,
    };
  }
  const policy = upstream.ambiguousPaths ?? (upstream.rpcOverHttp ? 'refuse' : 'pass');
  const ambiguity = policy === 'refuse' ? pathAmbiguity(facts.target) : undefined;
  return ambiguity === undefined
    ? undefined
    : { status: 400, code: 'PATH_AMBIGUOUS', message: `the path holds ${ambiguity}` };
}
