// Room: `outrigger explain`: what becomes of one request, and which lines decide it. It asks the same route() as the proxy.
import {
  asWireBytes,
  clientOf,
  compilePassThrough,
  compileRules,
  denialAnswer,
  type FactsHead,
  fallbackDecisions,
  formatLocalTime,
  type Listener,
  listenerName,
  localTimeOf,
  type Provenance,
  parseAddress,
  parseListenAddress,
  parseLocalTime,
  plainAddress,
  type RuleSet,
  redirection,
  requestFacts,
  route,
} from '@outrigger/rules';
import { Command } from 'commander';
import { explainFallback, explainForwarding, NOWHERE } from '../forwarding.ts';
import { collect } from '../options.ts';
import type { Finish } from '../program.ts';
import { printDiagnostics, readRules, UsageError } from '../rulesfile.ts';
import type { Terminal } from '../terminal.ts';
import { type ExplainedPlace, type Explanation, printedExplanation } from './explained.ts';
import { explainHttp2 } from './explainhttp2.ts';

/** A client no rule should know (RFC 5737): what a request from outside looks like where --from does not say. */
const CLIENT_FROM_OUTSIDE = '192.0.2.1';

type Options = {
  from: string;
  header: string[];
  connections?: string;
  at?: string;
  listener?: string;
  target?: string;
  json?: true;
};

export function explainCommand(terminal: Terminal, finish: Finish): Command {
  return new Command('explain')
    .summary('say what becomes of one request, and why')
    .description(
      'Says which rules decide a request: access, upstream, fallback, lane, and the line each rule was imported from;\n' +
        'for a server that speaks TLS, the name it is sent, what its certificate must be, and which one it is shown.\n' +
        'The authority of URL is where the client connects and the Host it sends, unless --header gives another;\n' +
        "an empty one (--header 'Host:') is a request of HTTP/1.0 without Host. The path is taken byte for byte.\n" +
        'Exit 0: access allowed (a refusal of the method or the path is told, and is not a denial). 3: denied. 1: cannot run.',
    )
    .argument('<file>', 'the rules file')
    .argument('<method>', 'the request method, as sent')
    .argument('<url>', 'http://HOST[:PORT]/PATH or https://…')
    .option('--from <ip>', 'address the connection comes from', CLIENT_FROM_OUTSIDE)
    .option('--header <name: value>', 'a header field of the request (may be repeated)', collect, [])
    .option('--connections <number>', 'connections that the client has open, this one included (default: 1)')
    .option('--at <time>', 'day and time of the request by the local clock, as in "mon 09:30" (default: now)')
    .option('--listener <address>', 'name or address of the listener that accepts the request')
    .option('--target <target>', 'request target, where it is not the path of the URL (absolute form, *)')
    .option('--json', 'the verdict as JSON on stdout')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        "  outrigger explain outrigger.yaml RPC_IN_DATA 'https://mail.contoso.com/rpc/rpcproxy.dll?mbx1:6001'\n" +
        "  outrigger explain outrigger.yaml GET https://203.0.113.10/owa --header 'Host: mail.contoso.com' --from 10.1.2.3",
    )
    .action((file: string, method: string, url: string, options: Options) => {
      const { rules, diagnostics } = readRules(file);
      if (rules === undefined) {
        printDiagnostics(diagnostics, terminal);
        throw new UsageError(`${file}: not usable`);
      }
      const explanation = explain(rules, method, url, options);
      terminal.out(
        options.json ? `${JSON.stringify(explanation)}\n` : printedExplanation(explanation, method, url, terminal),
      );
      finish(explanation.access === 'allow' ? 0 : 3);
    });
}

/** The verdict on one request. A head the proxy would answer with 400 before any rule is a denial with a refusal. */
export function explain(rules: RuleSet, method: string, url: string, options: Omit<Options, 'json'>): Explanation {
  const parsed = /^(https?):\/\/([^/?#]+)([^#]*)$/i.exec(url);
  if (parsed === null) throw new UsageError(`${url}: not an http:// or https:// URL`);
  if (parseAddress(options.from) === undefined) throw new UsageError(`${options.from}: not an IP address`);
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method)) throw new UsageError(`${method}: not a request method`);
  const [, scheme = '', authority = '', rest = ''] = parsed;
  const time = options.at === undefined ? localTimeOf(new Date()) : parseLocalTime(options.at);
  if (time === undefined) throw new UsageError(`${options.at}: not a day and a time, as in "mon 09:30"`);
  const listener = chooseListener(rules, scheme.toLowerCase(), authority, options.listener);
  const serverName = serverNameOf(authority);
  const passed = compilePassThrough(listener)?.(serverName);
  if (passed !== undefined) {
    const http2 = { offered: false, because: 'the connection passes through, and its server speaks for itself' };
    const place = { ...doorOf(listener), client: options.from, time: formatLocalTime(time), http2 };
    const unseen = { ...NOWHERE, lane: 'relay', route: null, accessLine: null } as const;
    return { access: 'allow', passedThrough: true, upstream: passed.to, ...unseen, ...place };
  }
  const head = headOf(method, authority, options.target ?? (rest.startsWith('/') ? rest : `/${rest}`), options.header);

  const compiled = compileRules(rules);
  const from = clientOf(head.fields, options.from, compiled.trusts);
  const client = from.kind === 'client' ? from.address : options.from;
  const connectsFrom = plainAddress(options.from);
  const connections = Number(options.connections ?? 1);
  if (!Number.isSafeInteger(connections) || connections < 0)
    throw new UsageError(`${options.connections}: not a number of connections`);
  const result = from.kind === 'bad' ? from : requestFacts(head, { listener, client, connectsFrom, connections, time });
  const asked = {
    ...doorOf(listener),
    client,
    ...(client !== options.from && { connectsFrom }),
    time: formatLocalTime(time),
  };
  const place = { ...asked, http2: explainHttp2(rules, listener, serverName) };
  const unrouted = { upstream: null, ...NOWHERE, lane: 'relay', route: null, accessLine: null, ...place } as const;
  const refuse = ({ status, code, message }: NonNullable<Explanation['refusal']>): Explanation => ({
    access: 'deny',
    refusal: { status, code, message },
    ...unrouted,
  });
  if (result.kind === 'bad') return refuse(result);
  const elsewhere = redirection(compiled, listener, result.facts, options.from);
  if (elsewhere?.kind === 'refuse') return refuse(elsewhere);
  if (elsewhere !== undefined) {
    const { status, location } = elsewhere;
    return { access: 'allow', redirect: { status, location }, ...unrouted };
  }
  const decision = route(compiled, result.facts);
  const isSent = decision.access === 'allow' && decision.refusal === undefined;
  const fallback = isSent ? explainFallback(rules, fallbackDecisions(compiled, result.facts), result.facts) : [];
  return {
    access: decision.access,
    ...(decision.access === 'deny' && {
      answer: decision.answer,
      answered: denialAnswer(decision.answer, result.facts),
    }),
    upstream: decision.upstream ?? null,
    ...explainForwarding(rules, decision, result.facts),
    ...(fallback.length > 0 && { fallback }),
    lane: decision.lane,
    route: placeOf(decision.route),
    accessLine: placeOf(decision.accessLine),
    ...(decision.refusal !== undefined && { refusal: decision.refusal }),
    ...place,
  };
}

function doorOf(listener: Listener): Pick<Explanation, 'listener' | 'proxyProtocol'> {
  const { proxyProtocol: from, proxyProtocolOnly: only = false } = listener;
  return { listener: listenerName(listener), ...(from && { proxyProtocol: { from, only } }) };
}

/** The name in SNI of a client that connects to `authority`: names only, never addresses (RFC 6066 3), and no port. */
function serverNameOf(authority: string): string {
  const host = authority.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
  return host.startsWith('[') || parseAddress(host) !== undefined ? '' : host;
}

function headOf(method: string, authority: string, target: string, headers: readonly string[]): FactsHead {
  const given = headers.map((header): [string, string] => {
    const colon = header.indexOf(':');
    if (colon < 1) throw new UsageError(`${header}: a header field is written 'Name: value'`);
    return [asWireBytes(header.slice(0, colon).trim()), asWireBytes(header.slice(colon + 1).trim())];
  });
  const isHost = ([name]: [string, string]): boolean => name.toLowerCase() === 'host';
  const hostGiven = given.some(isHost);
  const fields = given.filter((field) => !(isHost(field) && field[1] === ''));
  if (!hostGiven) fields.unshift(['Host', asWireBytes(authority)]);
  return { method, target: asWireBytes(target), version: fields.some(isHost) ? '1.1' : '1.0', fields };
}

/** The listener named; else the one at the port of the URL, else one of its scheme, else the first. */
function chooseListener(rules: RuleSet, scheme: string, authority: string, wanted: string | undefined): Listener {
  if (wanted !== undefined) {
    const named = rules.listen.find((listener) => listener.name === wanted || listener.address === wanted);
    if (named === undefined) {
      throw new UsageError(
        `${wanted}: no such listener. The rules listen on ${rules.listen.map(listenerName).join(', ')}`,
      );
    }
    return named;
  }
  const port = Number(/:(\d+)$/.exec(authority)?.[1] ?? (scheme === 'https' ? 443 : 80));
  const sameScheme = rules.listen.filter(({ tls }) => (tls !== undefined) === (scheme === 'https'));
  const samePort = sameScheme.find(({ address }) => parseListenAddress(address)?.port === port);
  const chosen = samePort ?? sameScheme[0] ?? rules.listen[0];
  if (chosen === undefined) throw new Error('rules without a listener passed the loader');
  return chosen;
}

function placeOf(rule: Provenance | undefined): ExplainedPlace | null {
  if (rule?.at === undefined) return null;
  const { file, line } = rule.at;
  return {
    file,
    line,
    importedFrom: (rule.from ?? []).map(({ file: source, line: number, directive }) => ({
      file: source,
      line: number,
      directive,
    })),
  };
}
