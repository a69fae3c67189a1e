// A configuration on the installed Apache: private ports, stand-ins for every server it proxies to, and one way to ask it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type SecureVersion } from 'node:tls';
import type { ServerTls } from '@outrigger/tools/acceptor';
import { type Authority, createAuthority } from '@outrigger/tools/certs';
import { freePort, startApache } from '@outrigger/tools/daemons';
import { type Heads, headOf } from '@outrigger/tools/heads';
import type { Fields } from '@outrigger/tools/message';
import { type Origin, startOrigin } from '@outrigger/tools/origin';
import { createLedger } from '../../ledger.ts';
import { createRedactor } from '../../redact.ts';
import { memoryReader } from '../../source.ts';
import { readTree } from '../expand.ts';
import { findLayout } from '../layout.ts';
import { APACHE_SECRETS } from '../secrets.ts';
import { readServers } from '../servers.ts';
import { everyNode } from '../settings.ts';
import type { ConfigTree } from '../tree.ts';
import { CLIENT_FIELD, modulesOf, sandboxed } from './sandbox.ts';

export type Question = {
  method: string;
  target: string;
  host: string;
  client: string /** The port as the configuration has it. */;
  port: number;
  /** The address as the configuration has it, where each has one of its own. */
  address?: string;
  /** Fields beside Host, with servers called as the configuration calls them. */
  fields?: Fields;
  /** Bytes of a body; none where absent. */
  body?: number;
  /** The name in SNI, '' for none; that of the Host where absent. `plain`: without TLS. */
  handshake?: { serverName: string } | 'plain';
};

/** What Apache did: `proxied SERVER TARGET HOST`, `redirect STATUS LOCATION`, `denied`, `local` (a page of its own or none), `status N`. */
export type ApacheStage = {
  ask(question: Question): Promise<string>;
  /** What the server was sent and the client answered, with servers called as the configuration calls them. */
  heads(question: Question): Promise<Heads>;
  /** Whether a handshake of this TLS version comes about on a port of the configuration. */
  speaks(port: number, version: SecureVersion): Promise<boolean>;
  close(): Promise<void>;
};

export function treeOf(files: Record<string, string>, names: readonly string[] = []): ConfigTree {
  const reader = memoryReader(files);
  const found = findLayout('', reader);
  if (found.kind === 'missing') throw new Error(found.message);
  const redactor = createRedactor(APACHE_SECRETS);
  return readTree({ layout: found.layout, reader, ledger: createLedger(), redactor, names });
}

/**
 * `keepsTls`: servers of https are asked over TLS, and the lines on their certificates count. `hasOwnAddresses`: each address of the
 * configuration has one of loopback for itself; else all of them are 127.0.0.1.
 */
export async function openStage(
  tree: ConfigTree,
  options: { keepsTls?: boolean; hasOwnAddresses?: boolean } = {},
): Promise<ApacheStage> {
  const hasOwnAddresses = options.hasOwnAddresses === true;
  const authority = await createAuthority();
  const dir = mkdtempSync(join(tmpdir(), 'outrigger-apache-'));
  const origins = new Map<string, Origin>();
  const ports = new Map<number, number>();
  const texts = [...everyNode(tree.nodes)].map(({ rest }) => rest).join('\n');
  for (const [url] of texts.matchAll(/https?:\/\/[\w.-]+(?::\d+)?(?=[/"\s$]|$)/gim)) {
    const { protocol, hostname, port } = new URL(url);
    const origin = `${protocol}//${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
    // A server called down.* is one that cannot be reached.
    if ((options.keepsTls === true && hostname.startsWith('down.')) || origins.has(origin)) continue;
    const tls = protocol === 'https:' && options.keepsTls ? serverTls(authority, hostname) : undefined;
    origins.set(origin, await startOrigin({ name: origin, ...(tls && { tls: await tls }) }));
  }
  const servers = readServers(tree);
  for (const { port } of servers.listens) ports.set(port, await freePort());
  const addressFor = hasOwnAddresses ? ownAddress : (): string => HOME;
  const listened = new Set(servers.listens.map(({ written }) => written));
  const named = servers.virtualHosts.flatMap(({ addresses }) => addresses.map(({ written }) => written));
  const own = named.filter((written) => IPV4.test(written) && !listened.has(written));
  const leaf = await authority.issue({ names: ['mail.contoso.com'] });
  const [cert, key, ca] = [join(dir, 'cert.pem'), join(dir, 'key.pem'), join(dir, 'ca.pem')];
  writeFileSync(ca, authority.certPem);
  writeFileSync(cert, leaf.certPem);
  writeFileSync(key, leaf.keyPem);
  const conf = sandboxed(tree, {
    addressFor,
    alsoAt: hasOwnAddresses ? [...new Set(own.map(ownAddress))] : [],
    portFor: (port) => ports.get(port) ?? port,
    originPort: (origin) => origins.get(origin)?.port ?? 1,
    dir,
    cert,
    key,
    ...(options.keepsTls === true && { ca }),
  });
  const apache = await startApache({ conf, dir, modules: modulesOf(tree) });
  return {
    ask: async (question) => {
      const { address, port } = question;
      const place = { host: address !== undefined && IPV4.test(address) ? addressFor(address) : HOME };
      const head = await answerTo(question, { ...place, port: ports.get(port) ?? 0 });
      return verdictOf(head, origins);
    },
    heads: async (question) => {
      const fields = question.fields?.map(([name, value]): Fields[number] => [name, ours(value, origins)]) ?? [];
      const head = await answerTo({ ...question, fields }, { host: HOME, port: ports.get(question.port) ?? 0 });
      const answered = headOf(head);
      const origin = origins.get(answered.fields.find(([name]) => name === 'X-Stand-In')?.[1] ?? '');
      const request = origin?.requests.at(-1);
      const sent = request && [...request.fields, ['SNI', serverNameOf(request, origin)] as Fields[number]];
      const named = (list: Fields): Fields => list.map(([name, value]) => [name, theirs(value, origins)]);
      return {
        answered: { ...answered, fields: named(answered.fields) },
        ...(sent && { sent: named(sent) }),
      };
    },
    speaks: (port, version) =>
      new Promise((resolve) => {
        const ciphers = 'DEFAULT:@SECLEVEL=0'; // or the client itself would refuse the old ones
        const options = { host: '127.0.0.1', port: ports.get(port) ?? 0, rejectUnauthorized: false, ciphers };
        const socket = connect({ ...options, minVersion: version, maxVersion: version }, () => {
          socket.destroy();
          resolve(true);
        });
        socket.on('error', () => resolve(false));
      }),
    close: async () => {
      await apache.stop();
      for (const origin of origins.values()) await origin.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const HOME = '127.0.0.1';
const IPV4 = /^\d+(?:\.\d+){3}$/;

/** All of 127.0.0.0/8 is loopback; what is left of the address tells it apart. */
function ownAddress(address: string): string {
  const [a = 0, , c = 0, d = 0] = address.split('.').map(Number);
  return `127.${1 + (a % 200)}.${c}.${d}`;
}

/** A certificate for where stand-ins are; a server called wrong.* has one for another name. */
async function serverTls(authority: Authority, hostname: string): Promise<ServerTls> {
  const names = hostname.startsWith('wrong.') ? ['other.test'] : ['localhost', '127.0.0.1'];
  const { certPem, keyPem } = await authority.issue({ names });
  return { cert: certPem, key: keyPem };
}

/** The name in SNI, that of the server where it is asked as the stand-in it is. */
function serverNameOf(
  { serverName = '(none)' }: Origin['requests'][number],
  { name = '' }: Partial<Origin> = {},
): string {
  return serverName === 'localhost' ? new URL(name).hostname : serverName;
}

function ours(value: string, origins: ReadonlyMap<string, Origin>): string {
  return [...origins].reduce((text, [name, { port }]) => text.replaceAll(name, `http://127.0.0.1:${port}`), value);
}

function theirs(value: string, origins: ReadonlyMap<string, Origin>): string {
  return [...origins].reduce(
    (text, [name, { port }]) => text.replaceAll(`127.0.0.1:${port}`, new URL(name).host),
    value,
  );
}

function answerTo(
  { method, target, host, client, fields = [], body, handshake = { serverName: host } }: Question,
  place: { host: string; port: number },
): Promise<string> {
  const lines = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${host}`,
    `${CLIENT_FIELD}: ${client}`,
    ...(fields.some(([name]) => name.toLowerCase() === 'connection') ? [] : ['Connection: close']),
    ...fields.map((field) => field.join(': ')),
    ...(body === undefined ? [] : [`Content-Length: ${body}`]),
    '',
    'x'.repeat(body ?? 0),
  ];
  return new Promise((resolve, reject) => {
    let answer = '';
    const send = (): void => {
      socket.write(lines.join('\r\n'), 'latin1');
    };
    const socket =
      handshake === 'plain'
        ? connectPlain(place, send)
        : connect({ ...place, servername: handshake.serverName, rejectUnauthorized: false }, send);
    socket.on('error', reject).on('data', (bytes) => {
      answer += bytes.toString('latin1');
    });
    socket.on('end', () => resolve(answer.split('\r\n\r\n').find((head) => !/^HTTP\/1\.1 1/.test(head)) ?? ''));
  });
}

const REDIRECTS = new Set(['301', '302', '303', '307', '308']);
const PAGES = new Set(['200', '404', '405']);

function verdictOf(head: string, origins: ReadonlyMap<string, Origin>): string {
  const status = /^HTTP\/1\.\d (\d+)/.exec(head)?.[1] ?? 'none';
  const field = (name: string): string | undefined => new RegExp(`^${name}: (.*?)\\r?$`, 'im').exec(head)?.[1];
  const server = field('X-Stand-In');
  if (server !== undefined) {
    const request = origins.get(server)?.requests.at(-1);
    const host = request?.fields.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? '';
    const own = [...origins].find(([, { port }]) => host === `127.0.0.1:${port}`)?.[0];
    return `proxied ${server} ${request?.target} ${own === undefined ? host : new URL(own).host}`;
  }
  const location = field('Location');
  if (REDIRECTS.has(status) && location !== undefined) return `redirect ${status} ${location}`;
  if (status === '403') return 'denied';
  return PAGES.has(status) ? 'local' : `status ${status}`;
}
