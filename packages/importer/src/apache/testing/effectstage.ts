// Lines of sections on the installed Apache, each in a virtual host of its own: what a line makes other of the requests that are sent on
// and of their answers, beside a virtual host without any.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { createAuthority } from '@outrigger/tools/certs';
import { freePort, startApache } from '@outrigger/tools/daemons';

const MODULES = '/usr/lib/apache2/modules';
/** MPMs beside the one in use, what is loaded in any case, and a module that does nothing without a network. */
const LEFT_OUT = new Set(['mpm_event', 'mpm_prefork', 'mpm_worker', 'authz_core', 'md']);

/** Every module of the installed Apache that can be loaded at once, without `mod_`. */
export function everyModule(): string[] {
  const files = existsSync(MODULES) ? readdirSync(MODULES) : [];
  return files.flatMap((file) => /^mod_(\w+)\.so$/.exec(file)?.[1] ?? []).filter((name) => !LEFT_OUT.has(name));
}

type Message = { start: string; fields: string[]; body: string };
/** A request as it was sent on, absent where no server was asked, and its answer. */
type Seen = { sent?: Message; answer: Message };

type Probe = readonly [method: string, target: string, fields: readonly string[], body?: string];

/** A page, a form, an upload, each kind of answer, an answer without a type, a request to leave HTTP. */
const PROBES: readonly Probe[] = [
  [
    'GET',
    '/owa/a.html',
    ['User-Agent: Mozilla/5.0', 'Accept-Encoding: gzip', 'Cookie: session=x', 'Proxy-Authorization: Basic eA=='],
  ],
  ['POST', '/owa/x', ['Content-Type: application/x-www-form-urlencoded'], 'a=b&username=u&password=p'],
  ['PUT', '/owa/x', ['Expect: 100-continue'], 'a text of some length'],
  ['GET', '/owa/missing', ['Accept: text/html']],
  ['GET', '/owa/busy', []],
  ['GET', '/owa/moved', []],
  ['GET', '/owa/bare.html', ['Range: bytes=0-3']],
  ['GET', '/owa/x', ['Connection: Upgrade', 'Upgrade: websocket', 'Accept-Language: de']],
];

/** By the end of a target; 200 for all others. */
const STATUS: Readonly<Record<string, number>> = { missing: 404, busy: 503, moved: 302 };
const PAGE = `<html><head><title>in</title></head><body onclick="x"><!-- c --><a href="http://exch.test:8080/owa/in">in</a>${' '.repeat(2_000)}</body></html>`;

export type EffectStage = {
  /** What the line of this index makes other, in words: `> Host: x` towards the server, `< 403` towards the client, `unsent`. */
  effectsOf(index: number): Promise<string[]>;
  close(): Promise<void>;
};

/** `lines`: with `\n` between lines; http://exch.test:8080 in them is the server. */
export async function openEffectStage(lines: readonly string[]): Promise<EffectStage> {
  const dir = mkdtempSync(join(tmpdir(), 'outrigger-effects-'));
  const sent: Message[] = [];
  const origin = originInto(sent);
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  const server = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
  const port = await freePort();
  const leaf = await (await createAuthority()).issue({ names: ['h.test'] });
  writeFileSync(join(dir, 'cert.pem'), leaf.certPem);
  writeFileSync(join(dir, 'key.pem'), leaf.keyPem);
  mkdirSync(join(dir, 'cache'));
  const hosts = ['', ...lines].map((line, index) => hostOf(line, index, port, server));
  const conf = [
    `Listen 127.0.0.1:${port}`,
    'TypesConfig /dev/null',
    `CacheRoot ${dir}/cache`,
    `DAVLockDB ${dir}/dav`,
    'SSLSessionCache none',
    `SSLCertificateFile ${dir}/cert.pem`,
    `SSLCertificateKeyFile ${dir}/key.pem`,
    ...hosts,
  ].join('\n');
  const apache = await startApache({ conf, dir, modules: everyModule() });

  async function seenOf(index: number): Promise<Seen[]> {
    const all: Seen[] = [];
    for (const probe of PROBES) {
      sent.length = 0;
      const answer = messageOf(await answerTo(probe, `h${index}.test`, port));
      const named = (message: Message): Message => withNames(message, index, port);
      all.push({ ...(sent[0] && { sent: named(sent[0]) }), answer: named(answer) });
    }
    return all;
  }
  const plain = await seenOf(0);
  return {
    effectsOf: async (index) => {
      const seen = await seenOf(index + 1);
      return [...new Set(seen.flatMap((each, at) => differences(plain[at] as Seen, each)))];
    },
    close: async () => {
      await apache.stop();
      await new Promise((resolve) => origin.close(resolve));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function hostOf(line: string, index: number, port: number, server: string): string {
  return `<VirtualHost *:${port}>
ServerName own${index}.test
ServerAlias h${index}.test
SSLEngine On
ProxyPass /owa ${server}/owa
<Location /owa>
${line.replaceAll('\\n', '\n').replaceAll('http://exch.test:8080', server)}
</Location>
</VirtualHost>`;
}

function originInto(sent: Message[]): Server {
  return createServer((request, response) => {
    let body = '';
    request.on('data', (bytes: Buffer) => {
      body += bytes.toString('latin1');
    });
    request.on('end', () => {
      const { method, url = '', httpVersion, rawHeaders, socket } = request;
      const fields = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}`] : []));
      sent.push({ start: `${method} ${url} HTTP/${httpVersion}`, fields, body });
      const status = STATUS[url.replace(/^.*\//, '')] ?? 200;
      response.sendDate = false;
      response.writeHead(status, [
        ...(url.endsWith('/bare.html') ? [] : ['Content-Type', 'text/html']),
        ...(status === 302 ? ['Location', `http://127.0.0.1:${socket.localPort}/owa/in`] : []),
        ...['Set-Cookie', 'a=b; Path=/in; Domain=exch.test'],
        ...['ETag', '"e"', 'Last-Modified', 'Sun, 01 Nov 2026 00:00:00 GMT'],
        ...['Content-Length', String(PAGE.length)],
      ]);
      response.end(PAGE);
    });
  });
}

function answerTo([method, target, fields, body = '']: Probe, host: string, port: number): Promise<string> {
  const own = fields.some((field) => field.startsWith('Connection')) ? [] : ['Connection: close'];
  const length = body === '' ? [] : [`Content-Length: ${body.length}`];
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...own, ...fields, ...length];
  return new Promise((resolve) => {
    let answer = '';
    const options = { host: '127.0.0.1', port, servername: host, rejectUnauthorized: false };
    const socket = connect(options, () => socket.write(`${head.join('\r\n')}\r\n\r\n${body}`));
    const end = (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('data', (bytes) => {
      answer += bytes.toString('latin1');
      if (isWhole(answer)) end();
    });
    socket.on('end', end).on('error', end);
  });
}

/** Whether an answer on a connection that is kept has come to its end. */
function isWhole(text: string): boolean {
  const [, head = '', body = ''] = /^([\s\S]*?)\r\n\r\n([\s\S]*)$/.exec(text) ?? [];
  if (/^connection: close/im.test(head) || /^HTTP\/1\.1 1/.test(head)) return false;
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  return length === undefined ? body.endsWith('0\r\n\r\n') : body.length >= Number(length);
}

/** An answer with what interim answers came before it. */
function messageOf(text: string): Message {
  const interim = /^HTTP\/1\.1 100/.test(text);
  const [head = '', ...rest] = text.split('\r\n\r\n').slice(interim ? 1 : 0);
  const [line = '', ...fields] = head.split('\r\n');
  const status = line.replace(/^(HTTP\/1\.\d \d+).*$/, '$1');
  return {
    start: interim ? `100, ${status}` : status,
    fields: fields.filter((field) => !/^date:/i.test(field)),
    body: rest.join('\r\n\r\n'),
  };
}

/** The same with names in place of what another run would have otherwise. */
function withNames({ start, fields, body }: Message, index: number, port: number): Message {
  const named = (text: string): string =>
    text
      .replaceAll(`own${index}.test`, 'OWN')
      .replaceAll(`h${index}.test`, 'HOST')
      .replaceAll(`HOST:${port}`, 'HOST:PORT')
      .replace(/127\.0\.0\.1:\d+/g, 'SERVER')
      .replace(/=[\da-f]{7,8}\.[\da-f]+/, '=ID')
      .replace(/^Expires: .*/, 'Expires: LATER');
  return { start, fields: fields.map(named), body: named(body) };
}

function differences(plain: Seen, seen: Seen): string[] {
  if (seen.sent === undefined) return [`unsent, < ${seen.answer.start}`];
  return [...differencesOf('>', plain.sent, seen.sent), ...differencesOf('<', plain.answer, seen.answer)];
}

function differencesOf(mark: '>' | '<', plain: Message | undefined, seen: Message): string[] {
  const before = plain?.fields ?? [];
  const names = new Set(seen.fields.map(nameOf));
  return [
    // Of a request the version alone: it is sent on as it came.
    ...(plain?.start === seen.start ? [] : [mark === '<' ? seen.start : seen.start.replace(/^.* /, '')]),
    ...(plain?.body === seen.body ? [] : ['body']),
    ...seen.fields.filter((field) => !before.includes(field)),
    ...before.filter((field) => !names.has(nameOf(field))).map((field) => `no ${nameOf(field)}`),
  ].map((text) => `${mark} ${text}`);
}

function nameOf(field: string): string {
  return field.split(':', 1)[0] ?? '';
}
