// Room: what Apache does with a request, from its configuration alone: which server takes it, what that server's program makes of
// it, who may have it, where it goes and how. What cannot be known from the configuration is said, never guessed. Pure.
// Source: the hooks of mod_rewrite, mod_proxy and mod_alias in their order (import-semantics rows AP-50 to AP-110).
import { compileFinder, compileRegex, conditionTest, type RequestFacts } from '@outrigger/rules';
import { type Access, accessOf } from './access.ts';
import { backendOf } from './backend.ts';
import { isIfSection } from './ifsections.ts';
import type { ApacheRequest, Journey, Outcome } from './journey.ts';
import { locationsOf, type ProxyLine, proxyLines } from './proxypass.ts';
import { isForUrl, proxySectionsOf } from './proxysections.ts';
import { escapedUri, isRedirect, redirectLines, redirectOf } from './redirects.ts';
import { type EncodedSlashes, prefixLength, requestPath, sentPath } from './requestpath.ts';
import { rewrite } from './rewrite.ts';
import { rewriteLines, rewriteRequest } from './rewriterequest.ts';
import { isForPath } from './sectionpaths.ts';
import type { Server, Servers } from './servers.ts';
import { inherited, isOn, setting } from './settings.ts';
import { parseTarget } from './target.ts';
import { type Directive, directivesOf, type Section } from './tree.ts';
import { chooseServer, matchesName } from './vhosts.ts';

export type ApacheDecision = { server: Server; outcome: Outcome };

export function apacheDecision(servers: Servers, request: ApacheRequest): ApacheDecision {
  const name = request.host.replace(/:\d*$/, '');
  const { server } = chooseServer(servers, request.accepted, name === '' ? undefined : name, request.target);
  return { server, outcome: outcomeOf(servers, server, request) };
}

function outcomeOf(servers: Servers, server: Server, request: ApacheRequest): Outcome {
  const mapping = proxyLines(servers, server).find(({ parameters }) => parameters.has('mapping'));
  if (mapping !== undefined)
    return { kind: 'unknown', line: mapping.directive, reason: 'its mapping comes before all else' };
  const read = requestPath(request.target, encodedSlashes(servers, server));
  if (read.kind === 'status') return read.status === 404 ? { kind: 'local' } : read;
  const mark = request.target.indexOf('?');
  const sections = locationsOf(servers, server).filter((section) => isForPath(section, read.path) !== false);
  const unclear = sections.find((section) => isForPath(section, read.path) === undefined);
  if (unclear !== undefined) return { kind: 'unknown', line: unclear, reason: 'its pattern needs PCRE' };
  const query = mark === -1 ? undefined : request.target.slice(mark + 1);
  const journey: Journey = { servers, server, request, path: read.path, query, sections };
  const held = [servers.main.nodes, server.nodes, ...sections.map(({ children }) => children)];
  const condition = held.flat().find(isIfSection);
  if (condition !== undefined) return { kind: 'unknown', line: condition, reason: 'an If section may say otherwise' };
  return translated(journey);
}

/** The order of translation: rewriting, proxying, redirects (AP-70 to AP-72). */
function translated(journey: Journey): Outcome {
  const { servers, server } = journey;
  const lines = rewriteLines(servers, server);
  const result = rewrite(lines, rewriteRequest(journey));
  if (result.kind === 'unknown') return result;
  if (result.kind === 'refused') return result.status === 403 ? { kind: 'denied' } : { kind: 'status', status: 410 };
  // Answers of translation itself come before anybody asks who may have it.
  if (result.kind === 'redirected') {
    return isOwnUrl(result.url, journey)
      ? { kind: 'unknown', reason: 'a URL of the server itself may be cut to a path' }
      : redirectedTo(journey, result);
  }
  if (result.kind === 'proxied') {
    const line = lines.find(({ key }) => key === 'rewriterule');
    return line === undefined
      ? { kind: 'local' }
      : proxied(journey, result.url, result.query, line, { isRewritten: true, nocanon: false });
  }
  if (result.kind === 'file') return guarded(journey, journey.sections, { kind: 'local' });
  const onward =
    result.kind === 'passed'
      ? { ...journey, path: result.path, query: result.query === '' ? undefined : result.query }
      : journey;
  const sent = isKept(onward) ? undefined : firstProxy(onward, proxyLines(servers, server));
  if (sent !== undefined && 'kind' in sent) return sent;
  if (sent !== undefined) {
    return proxied(onward, sent.url, onward.query ?? '', sent.line.directive, {
      isRewritten: false,
      nocanon: sent.line.parameters.has('nocanon'),
    });
  }
  return redirect(onward, redirectLines(servers, server)) ?? guarded(onward, onward.sections, { kind: 'local' });
}

/** The URL of the first line that takes the path; undefined where none does, or `!` does. */
function firstProxy(
  { path, sections }: Journey,
  lines: readonly ProxyLine[],
): { line: ProxyLine; url: string } | Outcome | undefined {
  // Of sections that are for the path, the last with a line counts, whether it takes the path or not.
  let isAsked = false;
  for (const line of lines) {
    if (line.section !== undefined) {
      if (isAsked || !sections.includes(line.section)) continue;
      isAsked = true;
    }
    if (line.isDead) continue;
    if (line.paths.kind === 'unclear')
      return { kind: 'unknown', line: line.directive, reason: 'its section has wildcards' };
    const target = line.target;
    if (line.paths.kind === 'prefix') {
      const length = prefixLength(path, line.paths.prefix);
      if (length === 0) continue;
      return target === undefined ? undefined : { line, url: target + path.slice(length) };
    }
    const compiled = compileFinder(line.paths.pattern, false);
    if (!compiled.ok) return { kind: 'unknown', line: line.directive, reason: 'its pattern needs PCRE' };
    const found = compiled.finder.find(path);
    if (found === undefined) continue;
    if (target === undefined) return undefined;
    // A target without $ has the whole path put behind it (AP-66, AP-67).
    const filled = target.replace(/\$(\d)/g, (_, digit: string) => found[Number(digit)] ?? '');
    return { line, url: filled === target ? target + path : filled };
  }
  return undefined;
}

function proxied(
  journey: Journey,
  url: string,
  query: string,
  line: Directive,
  how: { isRewritten: boolean; nocanon: boolean },
): Outcome {
  const [, scheme = '', authority = '', path = ''] = /^(https?|balancer):\/\/([^/]*)(.*)$/is.exec(url) ?? [];
  const named = parseTarget(`${scheme}://${authority}/`);
  if (named.kind === 'other') return { kind: 'unknown', line, reason: 'it goes where only Apache can' };
  const proxies = proxySectionsOf(journey.servers, journey.server);
  const sentTo = !how.isRewritten || query === '' ? url : `${url}?${query}`;
  const unclear = proxies.find((section) => isForUrl(section, sentTo) === undefined);
  if (unclear !== undefined) return { kind: 'unknown', line: unclear, reason: 'its pattern needs PCRE' };
  const sections = [...proxies.filter((section) => isForUrl(section, sentTo)), ...journey.sections];
  const talk = backendOf(journey.servers, journey.server, sections, named, 'exchange', new Map());
  if (talk.kind === 'dead') {
    return named.kind === 'http'
      ? guarded(journey, sections, { kind: 'status', status: 500 })
      : { kind: 'unknown', line, reason: talk.reason };
  }
  if (talk.backend.servers.length > 1) return { kind: 'unknown', line, reason: 'its balancer chooses at each request' };
  const target = named.kind === 'http' ? named : parseTarget(`${talk.backend.servers[0]}/`);
  if (target.kind !== 'http') return { kind: 'unknown', line, reason: 'it goes where only Apache can' };
  const { server, servers, request } = journey;
  const raw = request.target.split('?', 1)[0] ?? '';
  const escaped = how.nocanon
    ? rawPath(journey, path, raw)
    : sentPath(path === '' ? '/' : path, encodedSlashes(servers, server) === 'keep');
  const isPreserved = isOn(servers, server, 'proxypreservehost', sections);
  const own = target.port === (target.scheme === 'https' ? 443 : 80) ? target.host : `${target.host}:${target.port}`;
  const hasQuery = query !== '' || (!how.isRewritten && journey.query !== undefined);
  return guarded(journey, sections, {
    kind: 'proxied',
    origin: target.origin,
    target: hasQuery ? `${escaped}?${query}` : escaped,
    host: isPreserved ? request.host : own,
    line,
  });
}

/** nocanon: the path as the client sent it, where no more than the prefix was replaced (AP-77). */
function rawPath({ path: own }: Journey, path: string, raw: string): string {
  return path === own ? raw : path;
}

/** What the access lines of `asked` and the redirects of sections make of an outcome: both come after translation (AP-70, AP-93). */
function guarded(journey: Journey, asked: readonly Section[], outcome: Outcome): Outcome {
  const { servers, server, sections, request } = journey;
  const about = { servers, server, isWide: false };
  const verdicts = (['require', 'compat'] as const).map((judge) => {
    const said = asked.map((section) => accessOf(section, judge, about));
    const last = said.findLast((access) => access !== undefined);
    if (last !== undefined) return admits(last, request);
    // Where nothing says who may ask, a login is asked for all the same.
    const login = asked.flatMap(({ children }) => directivesOf(children, 'authtype')).at(-1);
    const isAsked = judge === 'require' && login !== undefined && !/^none$/i.test(login.words[0]?.text ?? '');
    return isAsked ? { kind: 'unknown' as const, line: login, reason: 'Apache asks for a login' } : true;
  });
  const unknown = verdicts.find((verdict) => typeof verdict !== 'boolean');
  if (unknown !== undefined) return unknown;
  if (verdicts.includes(false)) return { kind: 'denied' };
  const inSection = sections.findLast(({ children }) => children.some(isRedirect));
  const own = inSection === undefined ? undefined : redirect(journey, inSection.children.filter(isRedirect));
  return own ?? outcome;
}

function admits(access: Access, request: ApacheRequest): boolean | Outcome {
  if (access.kind === 'unsayable') return { kind: 'unknown', line: access.line, reason: access.reason };
  if (access.kind !== 'some') return access.kind === 'open';
  return conditionTest(access.when)(factsOf(request));
}

/** A request as conditions see it; no line of Apache's asks for the time, the listener or other connections. */
function factsOf({ method, isTls, host, target, client, fields }: ApacheRequest): RequestFacts {
  const [, name = '', port = isTls ? '443' : '80'] = /^(.*?)(?::(\d+))?$/s.exec(host) ?? [];
  return {
    method,
    scheme: isTls ? 'https' : 'http',
    host: name.toLowerCase(),
    port: Number(port),
    target,
    authority: host,
    client,
    connectsFrom: client,
    connections: 1,
    listener: '',
    time: { day: 'wed', minute: 0 },
    fields: [['Host', host], ...fields],
  };
}

/** What Redirect lines make of a request; undefined where none takes it. */
function redirect(journey: Journey, lines: readonly Directive[]): Outcome | undefined {
  const found = redirectOf(journey.path, lines);
  if (found === undefined) return undefined;
  if (found.status === 403) return { kind: 'denied' };
  if (found.url === undefined) return { kind: 'status', status: found.status };
  const location = absolute(found.url, journey);
  const { query } = journey;
  return {
    kind: 'redirected',
    status: found.status,
    location: query === undefined ? location : `${location}?${query}`,
  };
}

function redirectedTo(
  journey: Journey,
  { status, url, query, isEscaped }: { status: number; url: string; query: string; isEscaped: boolean },
): Outcome {
  const [, start = '', path = ''] = /^([a-z][a-z0-9+.-]*:\/\/[^/]*)?(.*)$/is.exec(url) ?? [];
  const escaped = isEscaped ? escapedUri(path) : path;
  const location = absolute(`${start}${escaped}`, journey);
  return { kind: 'redirected', status, location: query === '' ? location : `${location}?${query}` };
}

/** Whether a URL is one of the server itself, which Apache cuts to a path where ServerName has the port (AP-87). */
function isOwnUrl(url: string, { servers, server, request }: Journey): boolean {
  const own = inherited(servers, server, 'servername').at(-1)?.words[0]?.text ?? '';
  const [, scheme = '', host = ''] = /^(https?):\/\/([^/:?]*)/i.exec(url) ?? [];
  if (!/:\d+$/.test(own) || (scheme.toLowerCase() === 'https') !== request.isTls) return false;
  const name = own.replace(/^.*:\/\//, '').replace(/:\d+$/, '');
  const aliases = server.kind === 'main' ? [] : server.aliases;
  return [name, ...aliases].some((each) => matchesName(each, host));
}

function absolute(url: string, { request }: Journey): string {
  return url.startsWith('/') ? `${request.isTls ? 'https' : 'http'}://${request.host}${url}` : url;
}

function encodedSlashes(servers: Servers, server: Server): EncodedSlashes {
  const word = setting(servers, server, 'allowencodedslashes')?.toLowerCase();
  return word === 'on' ? 'decode' : word === 'nodecode' ? 'keep' : 'refuse';
}

/** `SetEnvIf Request_URI … no-proxy` (AP-74): the request is not proxied. */
function isKept({ servers, server, request }: Journey): boolean {
  // It is asked before the path is decoded; of slashes in front one is left.
  const raw = (request.target.split('?', 1)[0] ?? '').replace(/^\/+/, '/');
  return inherited(servers, server, 'setenvif').some(({ words }) => {
    const [subject = '', pattern = '', ...names] = words.map(({ text }) => text);
    if (subject.toLowerCase() !== 'request_uri' || !names.includes('no-proxy')) return false;
    const compiled = compileRegex(pattern, false);
    return compiled.ok && compiled.regex.test(raw);
  });
}
