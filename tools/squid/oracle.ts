// Room: the installed Squid asked about a golden case: started on the case's own config, with a stand-in for each peer, and
// asked every probe. Only for a process with a network of its own (solitude.ts).
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { createAuthority, type Leaf, saveLeaf } from '../certs.ts';
import { findDaemon, startSquid } from '../daemons.ts';
import type { Heads } from '../heads.ts';
import { field } from '../message.ts';
import { type Origin, startOrigin } from '../origin.ts';
import { connect, readResponse, type Wire } from '../wire.ts';
import { fieldsOf, option, type Probe, type SquidCase } from './cases.ts';
import { type Peer, type Port, peersIn, portsIn } from './endpoints.ts';
import { own } from './solitude.ts';
import { zoneWhere } from './zone.ts';

/** What Squid did: verdict and heads for each probe in order, or why it does not start, in its own words. */
export type Testimony = { kind: 'verdicts'; verdicts: string[]; heads: Heads[] } | { kind: 'refused'; words: string[] };

/** Milliseconds for an answer: Squid waits that long for DNS at most (dns_timeout below), and we wait longer. */
const PATIENCE = 10_000;

let issued: Promise<Leaf> | undefined;

/** One for all cases of a run: its key is RSA, which takes a tenth of a second to make. */
function runLeaf(): Promise<Leaf> {
  issued ??= createAuthority().then((authority) =>
    authority.issue({ names: ['contoso.com', 'localhost'], keyType: 'rsa' }),
  );
  return issued;
}

/** `Squid 5.7 (Debian squid-openssl 5.7-2+deb12u6)`. */
export function squidVersion(): string {
  const version = /Version (\S+)/.exec(spawnSync(findDaemon('squid') ?? 'squid', ['-v']).stdout?.toString() ?? '')?.[1];
  const [name, packaged] = (spawnSync('dpkg-query', ['-W', 'squid-openssl']).stdout?.toString() ?? '')
    .trim()
    .split('\t');
  return `Squid ${version ?? '(unknown)'}${packaged === undefined ? '' : ` (Debian ${name} ${packaged})`}`;
}

export async function askSquid(given: SquidCase): Promise<Testimony> {
  const text = [...given.files.values()].join('\n').replace(/\\\n/g, '');
  const situation = { ports: portsIn(text), peers: peersIn(text) };
  // Squid remembers who was down, and its clock stands still in no zone: each such state gets a Squid of its own.
  const states = new Map([[keyOf(), STATE], ...given.probes.map((probe) => [keyOf(probe), stateOf(probe)] as const)]);
  const verdicts = new Map<Probe, Seen>();
  for (const [key, state] of states) {
    const probes = given.probes.filter((probe) => keyOf(probe) === key);
    const words = await askThese(probes, given, { ...situation, ...state }, verdicts);
    if (words !== undefined) return { kind: 'refused', words };
  }
  const seen = given.probes.map((probe) => verdicts.get(probe) ?? { verdict: '' });
  return { kind: 'verdicts', verdicts: seen.map(({ verdict }) => verdict), heads: seen };
}

type Seen = Heads & { verdict: string };
/** `down`: peers that cannot be reached; `time`: what the clock says (`mon 09:30`), where it matters. */
type State = { down: string[]; time?: string };
type Situation = State & { ports: Port[]; peers: Peer[] };

const STATE: State = { down: [] };

function stateOf(probe: Probe): State {
  const time = option(probe, 'time');
  return { down: (option(probe, 'down') ?? '').split(','), ...(time !== undefined && { time }) };
}

function keyOf(probe?: Probe): string {
  return probe === undefined ? '/' : `${option(probe, 'down') ?? ''}/${option(probe, 'time') ?? ''}`;
}

/** Asks on one Squid and enters what it did; or its words where it does not start. */
async function askThese(
  probes: readonly Probe[],
  given: SquidCase,
  { ports, peers, down, time }: Situation,
  verdicts: Map<Probe, Seen>,
): Promise<string[] | undefined> {
  const clients = probes.flatMap((probe) => option(probe, 'client') ?? []);
  const addresses = [...ports.map(({ host }) => host), ...peers.map(({ host }) => host), ...clients];
  own(new Set(addresses.filter((address) => /^\d+(?:\.\d+){3}$/.test(address))));
  const folder = await mkdtemp(join(tmpdir(), 'squid-case-'));
  const origins: Origin[] = [];
  try {
    const leaf = await runLeaf();
    for (const peer of peers) if (!down.includes(peer.name)) origins.push(await standIn(peer, leaf));
    const conf = await layOut(given, peers, folder, leaf);
    if (time !== undefined) await writeFile(join(folder, 'zone'), zoneWhere(time));
    const squid = await startSquid({ conf, dir: folder, ...(time !== undefined && { zone: join(folder, 'zone') }) });
    try {
      for (const probe of probes) {
        const [spread, atOnce] = [option(probe, 'spread'), option(probe, 'at-once')];
        const seen =
          spread !== undefined
            ? await askSpread(probe, Number(spread), ports, origins)
            : atOnce !== undefined
              ? await askAtOnce(probe, Number(atOnce), ports, origins)
              : await askOften(probe, ports, origins);
        verdicts.set(probe, seen);
      }
    } finally {
      await squid.kill();
    }
    return undefined;
  } catch (error) {
    const words = wordsOf(error instanceof Error ? error.message : String(error), folder);
    if (words.length === 0) throw error;
    return words;
  } finally {
    await Promise.all(origins.map((origin) => origin.close()));
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes the case's files into `folder`, with certificates of ours, and gives back the config to run. */
async function layOut(given: SquidCase, peers: readonly Peer[], folder: string, leaf: Leaf): Promise<string> {
  const { key } = await saveLeaf(leaf, folder, 'leaf');
  // Pages of errors are read as the user that Squid becomes.
  await chmod(folder, 0o755);
  await writeFile(join(folder, 'leaf.pem'), `${leaf.certPem}\n${leaf.keyPem}`);
  const stood = (text: string): string => withOurFiles(text, folder, key);
  for (const [name, content] of given.files) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), stood(content), 'latin1');
  }
  const names = peers.map(({ host }) => host).filter((host) => /[a-z]/i.test(host));
  const hosts = [...names.map((name) => `127.0.0.1 ${name}`), given.files.get('hosts') ?? '', ''];
  await writeFile(join(folder, 'hosts'), hosts.join('\n'));
  return [
    stood(given.files.get('squid.conf') ?? ''),
    'cache deny all',
    // Nobody answers there: a name that hosts does not know is unknown after a second.
    'dns_nameservers 127.0.0.1',
    'dns_timeout 1 seconds',
    `hosts_file ${folder}/hosts`,
  ].join('\n');
}

function standIn({ name, host, port, tls }: Peer, leaf: Leaf): Promise<Origin> {
  const bound = /^\d/.test(host) ? host : '127.0.0.1';
  return startOrigin({ name, host: bound, port, ...(tls && { tls: { cert: leaf.certPem, key: leaf.keyPem } }) });
}

/** Certificates that a case names do not exist: ours stand in for them. Which file it is changes no verdict. */
function withOurFiles(text: string, folder: string, key: string): string {
  return text
    .replace(/(key=)\/\S+/g, `$1${key}`)
    .replace(/((?:cert|clientca|cafile)=)\/\S+/g, `$1${join(folder, 'leaf.pem')}`)
    .replace(/^access_log (?:\w+:)?\/\S+/gm, `access_log stdio:${join(folder, 'run', 'access.log')}`)
    .replace(/^(error_directory|err_page_stylesheet) (?!\/)/gm, `$1 ${folder}/`);
}

/** The verdict, or all of them where a probe is to be sent several times (`times=`): `a+b` for a spread. */
async function askOften(probe: Probe, ports: readonly Port[], origins: readonly Origin[]): Promise<Seen> {
  const verdicts = new Set<string>();
  let last: Seen = { verdict: '' };
  for (let left = Number(option(probe, 'times') ?? 1); left > 0; left -= 1) {
    last = await askOne(probe, ports, origins);
    verdicts.add(last.verdict);
  }
  return { ...last, verdict: [...verdicts].sort().join('+') };
}

/** How many of as many requests each peer got, each from another client and with its number for `{n}` (`spread=`): `a=150 b=50`. */
async function askSpread(
  probe: Probe,
  clients: number,
  ports: readonly Port[],
  origins: readonly Origin[],
): Promise<Seen> {
  const verdicts: string[] = [];
  for (let number = 0; number < clients; number += 1) {
    const asked = { ...probe, target: probe.target.replace('{n}', String(number)) };
    verdicts.push((await askOne(asked, ports, origins, spreadClient(number))).verdict);
  }
  return { verdict: counted(verdicts) };
}

/** Milliseconds between requests that are under way at once: Squid counts a connection when it stands. */
const APART = 50;

/** How many of as many requests at once each peer got (`at-once=`; the probe asks for answers that come later): `a=2 none=1`. */
async function askAtOnce(
  probe: Probe,
  requests: number,
  ports: readonly Port[],
  origins: readonly Origin[],
): Promise<Seen> {
  const asking = Array.from({ length: requests }, async (_, index) => {
    await new Promise((resolve) => setTimeout(resolve, index * APART));
    return askOne(probe, ports, origins);
  });
  return { verdict: counted((await Promise.all(asking)).map(({ verdict }) => verdict)) };
}

function counted(verdicts: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const verdict of verdicts) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  const named = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  return named.map(([name, count]) => `${name}=${count}`).join(' ');
}

/** A client of its own for each number, far from each other as real ones are: all of 127.0.0.0/8 is this machine. */
function spreadClient(number: number): string {
  const mixed = Math.imul(number + 1, 0x9e3779b1) >>> 0;
  return `127.${[24, 16, 8].map((shift) => ((mixed >>> shift) % 254) + 1).join('.')}`;
}

async function askOne(
  probe: Probe,
  ports: readonly Port[],
  origins: readonly Origin[],
  client = option(probe, 'client'),
): Promise<Seen> {
  const wanted = option(probe, 'listener');
  const port = ports.find(({ address, name }) => wanted === undefined || wanted === address || wanted === name);
  if (port === undefined) return { verdict: 'no listener' };
  let wire: Wire;
  try {
    const tls = port.tls && tlsOptions(probe);
    wire = await connect({
      host: port.host,
      port: port.port,
      ...(client !== undefined && { localAddress: client }),
      ...(tls && { tls }),
    });
  } catch {
    return { verdict: 'refused' };
  }
  const others = await openOthers(Number(option(probe, 'open') ?? 0), port, client);
  try {
    await wire.send(requestOf(probe));
    const answer = await readResponse(wire, { method: probe.method, milliseconds: PATIENCE });
    if (answer.kind !== 'response')
      return { verdict: port.tls ? 'refused' : answer.kind === 'failed' ? 'reset' : answer.kind };
    const { fields, status, body } = answer.response;
    const answered = { status, fields, body };
    const reached = origins.find(({ name }) => name === field(fields, 'X-Stand-In'));
    if (reached === undefined) return { verdict: verdictOf(status), answered };
    const sent = reached.requests.at(-1)?.fields;
    return { verdict: reached.name, answered, ...(sent && { sent }) };
  } finally {
    await Promise.all([wire, ...others].map((each) => each.close()));
  }
}

/** Connections that the client has open besides (`open=`), and asks nothing on. */
async function openOthers(count: number, { host, port }: Port, client: string | undefined): Promise<Wire[]> {
  const from = client === undefined ? {} : { localAddress: client };
  const wires = await Promise.all(Array.from({ length: count }, () => connect({ host, port, ...from })));
  if (count > 0) await new Promise((resolve) => setTimeout(resolve, APART));
  return wires;
}

function tlsOptions(probe: Probe): ConnectionOptions {
  const version = option(probe, 'tls');
  const versions = version === undefined ? {} : { minVersion: `TLSv${version}`, maxVersion: `TLSv${version}` };
  return { rejectUnauthorized: false, ...(versions as ConnectionOptions) };
}

/** Answers that no peer gave: of Squid itself. */
function verdictOf(status: number): string {
  if (status === 403 || (status >= 300 && status < 400)) return 'denied';
  if (status === 400) return 'bad request';
  return status >= 502 && status <= 504 ? 'none' : String(status);
}

function requestOf(probe: Probe): string {
  const { method, target, host } = probe;
  const named = option(probe, 'proxy');
  const announcement = named === undefined ? '' : `PROXY TCP4 ${named} 127.0.0.1 50000 80\r\n`;
  const lines =
    host === undefined
      ? [`${method} ${target} HTTP/1.0`]
      : [`${method} ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close'];
  const fields = fieldsOf(probe).map(([name, value]) => `${name}: ${value}`);
  // A length of 0 keeps methods that Squid knows to have bodies content.
  return announcement + [...lines, ...fields, ...(method === 'GET' ? [] : ['Content-Length: 0']), '', ''].join('\r\n');
}

/** The lines by which Squid says that it will not start: without dates, without our folder, each once. */
function wordsOf(said: string, folder: string): string[] {
  const words = said
    .split('\n')
    .map((line) =>
      line
        .replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d(?: \w+)?\| ?/, '')
        .replaceAll(`${folder}/`, '')
        .trim(),
    )
    .filter((line) => /^(?:FATAL|ERROR: Invalid|\S+\(\d+\): unrecognized)/.test(line));
  return [...new Set(words)];
}
