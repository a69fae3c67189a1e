// Room: in how many ways the same can be asked: spellings of a target, a host, a method, a field, a port, and the forms of a request.
// Pure.
import type { Fields, Probe } from './probe.ts';
import { percent, type Subjects } from './subjects.ts';

/** A client no rule should know, and a host no administrator owns (RFC 5737, RFC 2606). */
export const OUTSIDE = '192.0.2.1';
export const FOREIGN = 'www.example.org';
/** Addresses that a chain of proxies is made of: each may be believed or not. */
const FORWARDING_CLIENTS = 6;

/** Spellings of a target: case, longer and shorter words, encodings, dots and slashes, parameters, and tricks with the query. */
export function targetSpellings(target: string, host: string): string[] {
  const [path = '', query] = target.split(/\?(.*)/s);
  const tail = query === undefined ? '' : `?${query}`;
  const words = path.slice(1);
  const first = words.charAt(0);
  const encoded = first === '' || first === '%' ? path : `/${percent(first)}${words.slice(1)}`;
  return distinct([
    path.toUpperCase() + tail,
    path.toLowerCase() + tail,
    `${path}x${tail}`,
    `${path}/${tail}`,
    `${path}/x${tail}`,
    ...(words.length > 1 ? [path.slice(0, -1) + tail] : []),
    `/x${path}${tail}`,
    `/x${words}${tail}`,
    encoded + tail,
    encoded.toLowerCase() + tail,
    encoded.replace('%', '%25') + tail,
    `/${path}${tail}`,
    `/.${path}${tail}`,
    `/x/..${path}${tail}`,
    `${path};x=1${tail}`,
    `${path}%2F${tail}`,
    `${path}%00${tail}`,
    `${path}%zz${tail}`,
    `${path}%%${tail}`,
    `${path}?q=1`,
    `/?q=${host}${path}`,
    `/?q=${encodeURIComponent(path)}`,
    `/x?${path}`,
  ]);
}

/** Spellings of a host: case, a final dot, ports, names below it and beside it. */
export function hostSpellings(written: string): string[] {
  const host = written.replace(/:\d+$/, '');
  if (!/^[A-Za-z0-9_.-]+$/.test(host)) return [];
  return distinct([
    written,
    host,
    host.toUpperCase(),
    `${host}.`,
    `${host}:80`,
    `${host}:443`,
    `${host}:8443`,
    `a.${host}`,
    `not${host}`,
    host.slice(1),
    `${host}x`,
    `${host}.${FOREIGN}`,
    host.replace('.', 'x'),
  ]).filter((each) => /^[A-Za-z0-9]/.test(each));
}

/** A method as written, and in either case throughout. */
export function caseSpellings(method: string): string[] {
  return [method, method.toLowerCase(), method.toUpperCase()];
}

/** A field with its value, with more around it, with another, and under its name in lower case. */
export function fieldSpellings(fields: readonly (readonly [string, string])[]): Fields[] {
  return distinct(
    fields.flatMap(([name, value]): Fields[] => [
      [[name, value]],
      [[name, value.toUpperCase()]],
      [[name, `x ${value} x`]],
      [[name, 'x']],
      [[name.toLowerCase(), value]],
    ]),
  );
}

/** The same host with other ports: usual ones, those of the config, and those beside them. */
export function portSpellings(probe: Probe, { ports }: Subjects): Probe[] {
  const host = probe.host?.replace(/:\d+$/, '');
  if (host === undefined) return [];
  const near = ports.flatMap((port) => [port - 1, port, port + 1]).filter((port) => port > 0 && port < 65_536);
  return distinct([80, 443, 8080, ...near]).map((port) => ({ ...probe, host: `${host}:${port}` }));
}

/** What a Host may be that is no plain name, HOST standing for one. */
const ODD_HOSTS = [
  ...[
    'HOST:',
    'HOST..',
    '.HOST',
    'user@HOST',
    'HOST:80:80',
    'HOST:0',
    'HOST:65536',
    'HOST, HOST',
    'a b',
    'a%2eb',
    'a_b',
  ],
  ...[
    '127.1',
    '0x7f.0.0.1',
    '3221226064',
    '192.0.2.080',
    '[::1]',
    '[::1]:8080',
    '[2001:DB8::1]',
    '[::ffff:192.0.2.80]',
    '::1',
  ],
];
/** The same behind `http://`, and what else may stand there. */
const ODD_AUTHORITIES = [
  'HOST',
  'HOST?q=1',
  'HOST:8080/',
  'HOST:/',
  'user@HOST/',
  'user:pw@HOST/',
  'HOST../',
  '/',
  ':80/',
  '127.1/',
  '[::1]/',
];

/** The forms a request can take besides path and Host (RFC 9112 3.2): absolute-form, no Host, an empty one, two, `*`. */
export function formsOf(probe: Probe, hosts: readonly string[]): Probe[] {
  const { host: _host, ...nameless } = probe;
  const host = probe.host ?? FOREIGN;
  return [
    nameless,
    { ...probe, host: '' },
    { ...probe, fields: [...probe.fields, ['Host', FOREIGN]] },
    ...ODD_HOSTS.map((odd) => ({ ...probe, host: odd.replace('HOST', host) })),
    ...['http', 'https', 'HTTP'].map((scheme) => ({ ...probe, target: `${scheme}://${host}${probe.target}` })),
    ...ODD_AUTHORITIES.map((odd) => ({ ...probe, target: `http://${odd.replace('HOST', host)}` })),
    { ...probe, target: `http://${hosts[0] ?? FOREIGN}${probe.target}`, host: FOREIGN },
    { ...probe, target: '*', method: 'OPTIONS' },
    { ...probe, target: '*' },
    { ...probe, target: `ftp://${host}${probe.target}` },
    { ...probe, target: probe.target.slice(1) || 'x' },
  ];
}

/** Clients that others name, one to three proxies away, and entries that are no address, from everybody the config knows. */
export function forwardedSpellings(probe: Probe, clients: readonly string[]): Probe[] {
  const known = distinct(clients).slice(0, FORWARDING_CLIENTS);
  const chains = known.flatMap((first, index) => [
    first,
    `${OUTSIDE}, ${first}`,
    `${first}, ${known[(index + 1) % known.length]}`,
    `${OUTSIDE}, ${first},${known[0]}`,
  ]);
  const odd = known.slice(0, 1).flatMap((first) => [`${first}:4711`, `unknown, ${first}`, `${first}, unknown`, ', ,']);
  return known.flatMap((client) =>
    distinct([...chains, ...odd]).map((value) => ({
      ...probe,
      client,
      fields: [...probe.fields, ['X-Forwarded-For', value] as const],
    })),
  );
}

/** The items without repetitions, in their order. */
export function distinct<Item>(items: readonly Item[]): Item[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
