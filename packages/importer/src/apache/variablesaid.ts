// Room: variables of a request (%{HTTP_HOST}, %{REMOTE_ADDR}, …) held against an expression, as conditions of a rule. Where no condition is
// exactly that, one that holds at least as often, which is enough to leave requests with Apache. Pure.
// Source: server/core.c ap_get_server_port; modules/mappers/mod_rewrite.c lookup_variable; server/util_expr_eval.c (AP-88, AP-89, AP-104).
import { type Condition, compileRegex, parseAddressRange, TUNNEL_METHODS } from '@outrigger/rules';
import { coversAll, mayMatchUnder } from './overlap.ts';
import { textsOf } from './patternprefixes.ts';
import type { Server, Servers } from './servers.ts';
import { setting } from './settings.ts';

/** An expression that the value must match, or must not. */
export type TextTest = { regex: string; ignoreCase: boolean; isNegated: boolean };

/**
 * What a test comes to for a request over TLS. `always`, `never`: whatever is asked. `isExact` false: `when` holds at least where the
 * test does.
 */
export type Said =
  | { kind: 'when'; when: Condition; isExact: boolean }
  | { kind: 'always' }
  | { kind: 'never' }
  | { kind: 'unsayable' };

/**
 * Which requests are asked about. `isWide`: of paths in any case, for a server that ignores case must be kept from all of them.
 * `under`: only those under this prefix, as it is written.
 */
export type About = { servers: Servers; server: Server; isWide: boolean; under?: string };

type Asking = (test: CompiledTest, about: About) => Said;
type CompiledTest = TextTest & { holds(text: string): boolean };

/** Variables by name. */
const VARIABLES: Readonly<Record<string, Asking>> = {
  HTTPS: (test) => constant(test, 'on'),
  REQUEST_SCHEME: (test) => constant(test, 'https'),
  REQUEST_URI: path,
  REQUEST_METHOD: method,
  REMOTE_ADDR: client,
  SERVER_PORT: port,
  SERVER_NAME: serverName,
  HTTP_HOST: (test) => field('Host', test),
  HTTP_USER_AGENT: (test) => field('User-Agent', test),
  HTTP_REFERER: (test) => field('Referer', test),
  HTTP_COOKIE: (test) => field('Cookie', test),
  HTTP_ACCEPT: (test) => field('Accept', test),
};

/** A test of a variable, named without %{ }; of a field as `HTTP:Name`. */
export function variableSaid(name: string, test: TextTest, about: About): Said {
  const compiled = compileRegex(test.regex, test.ignoreCase);
  if (!compiled.ok) return UNSAYABLE;
  const tested: CompiledTest = { ...test, holds: (text) => compiled.regex.test(text) !== test.isNegated };
  const own = /^HTTP:([A-Za-z0-9-]+)$/i.exec(name)?.[1];
  if (own !== undefined) return field(own, tested);
  return (Object.hasOwn(VARIABLES, name) ? VARIABLES[name] : undefined)?.(tested, about) ?? UNSAYABLE;
}

const UNSAYABLE: Said = { kind: 'unsayable' };

function constant({ holds }: CompiledTest, value: string): Said {
  return { kind: holds(value) ? 'always' : 'never' };
}

function exactly(when: Condition, isNegated: boolean): Said {
  return { kind: 'when', when: isNegated ? { not: when } : when, isExact: true };
}

function path({ regex, ignoreCase, isNegated }: CompiledTest, { isWide, under }: About): Said {
  if (under !== undefined && coversAll(regex, ignoreCase, under)) return { kind: isNegated ? 'never' : 'always' };
  if (under !== undefined && !mayMatchUnder(regex, under)) return { kind: isNegated ? 'always' : 'never' };
  return exactly({ path: [{ regex, ignoreCase: ignoreCase || (isWide && !isNegated) }] }, isNegated);
}

/** A field that is not there is empty text to Apache, and no value to a rule. */
function field(name: string, { regex, ignoreCase, isNegated }: CompiledTest): Said {
  const held: Condition = { headers: [{ name, regex, ...(ignoreCase && { ignoreCase }) }] };
  const compiled = compileRegex(regex, ignoreCase);
  const isEmptyFine = compiled.ok && compiled.regex.test('');
  return exactly(isEmptyFine ? { any: [held, { not: { headers: [{ name, regex: '' }] } }] } : held, isNegated);
}

/** Methods that clients of Exchange, RD Gateway and of WebDAV use: of all others it need not be known what an expression says. */
const USUAL_METHODS = [
  ...'GET HEAD POST PUT DELETE OPTIONS PROPFIND PROPPATCH MKCOL COPY MOVE SEARCH SUBSCRIBE POLL'.split(' '),
  ...TUNNEL_METHODS,
];

function method({ regex, ignoreCase, isNegated, holds }: CompiledTest): Said {
  const texts = ignoreCase ? undefined : textsOf(regex);
  if (texts !== undefined) {
    const methods = isNegated ? texts.map((text) => `!${text}`) : texts;
    return { kind: 'when', when: { methods }, isExact: true };
  }
  const others = USUAL_METHODS.filter((name) => !holds(name)).map((name) => `!${name}`);
  return others.length === 0 ? UNSAYABLE : { kind: 'when', when: { methods: others }, isExact: false };
}

/** Ranges that a list of ports may have before nobody reads it. */
const PORT_RANGES_MAX = 8;
const PORT_MAX = 65_535;
/** That of a request over TLS whose Host names none, and of a server that names none. */
const TLS_PORT = 443;

/** The port of the Host, else that of the server; of the server alone where it keeps to its own name (AP-88). */
function port(test: CompiledTest, { servers, server }: About): Said {
  const own = server.port ?? servers.main.port ?? TLS_PORT;
  const addresses = server.kind === 'main' ? [] : server.addresses;
  const isUsual = own === TLS_PORT && addresses.every((each) => (each.port ?? TLS_PORT) === TLS_PORT);
  const isPhysical = setting(servers, server, 'usecanonicalphysicalport')?.toLowerCase() === 'on';
  if (!isUsual || isPhysical) return UNSAYABLE;
  if (setting(servers, server, 'usecanonicalname')?.toLowerCase() === 'on') return constant(test, String(TLS_PORT));
  const [ranges, others] = [rangesOf(test.holds), rangesOf((text) => !test.holds(text))];
  if (ranges.length === 0) return { kind: 'never' };
  if (others.length === 0) return { kind: 'always' };
  const when: Condition = ranges.length < others.length ? { ports: ranges } : { not: { ports: others } };
  if (Math.min(ranges.length, others.length) <= PORT_RANGES_MAX) return { kind: 'when', when, isExact: true };
  const isForOthers = !test.holds(String(TLS_PORT));
  return isForOthers ? { kind: 'when', when: { not: { ports: [TLS_PORT] } }, isExact: false } : UNSAYABLE;
}

function rangesOf(holds: (text: string) => boolean): (number | string)[] {
  const ranges: [first: number, last: number][] = [];
  for (let each = 1; each <= PORT_MAX; each += 1) {
    if (!holds(String(each))) continue;
    const last = ranges.at(-1);
    if (last?.[1] === each - 1) last[1] = each;
    else ranges.push([each, each]);
  }
  return ranges.map(([first, last]) => (first === last ? first : `${first}-${last}`));
}

/** The name that the client asked for, in lower case and without its port; or always that of the server. */
function serverName(test: CompiledTest, { servers, server }: About): Said {
  const canonical = setting(servers, server, 'usecanonicalname')?.toLowerCase() ?? 'off';
  if (canonical === 'on' && server.serverName !== undefined) return constant(test, server.serverName);
  const texts = canonical === 'off' && !test.ignoreCase ? textsOf(test.regex) : undefined;
  const isPlain = texts?.every((text) => /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(text));
  return texts !== undefined && isPlain ? exactly({ hosts: texts }, test.isNegated) : UNSAYABLE;
}

function client({ regex, isNegated }: CompiledTest): Said {
  const ranges = branchesOf(regex).map(rangeOf);
  return ranges.includes(undefined) ? UNSAYABLE : exactly({ clients: ranges as string[] }, isNegated);
}

function branchesOf(regex: string): string[] {
  const [, inside, end = ''] = /^\^\((?:\?:)?([^()]*)\)(\$?)$/.exec(regex) ?? [];
  return inside?.split('|').map((branch) => `^${branch}${end}`) ?? regex.split('|');
}

// A dot that is not escaped is any letter: behind three digits of an address it can be nothing else.
const BYTE = String.raw`(?:\d{1,3}\\\.|\d{3}\.)`;
const NETWORK = new RegExp(String.raw`^\^(${BYTE}{1,3})(?:\.\*\$?)?$`);
const ADDRESS = new RegExp(String.raw`^\^(${BYTE}{3}(?:\d{3}|\d{1,3}(?=\$)))\$?$`);

/** `^10\.`, `^192\.168\.1\.`, `^192\.0\.2\.7$`: whole numbers of an IPv4 address as its network; undefined for all else. */
function rangeOf(pattern: string): string | undefined {
  const written = NETWORK.exec(pattern)?.[1] ?? ADDRESS.exec(pattern)?.[1];
  if (written === undefined) return undefined;
  const bytes = written
    .replaceAll('\\', '')
    .split('.')
    .filter((byte) => byte !== '');
  const range = `${[...bytes, '0', '0', '0'].slice(0, 4).join('.')}/${bytes.length * 8}`;
  return parseAddressRange(range) === undefined ? undefined : range;
}
