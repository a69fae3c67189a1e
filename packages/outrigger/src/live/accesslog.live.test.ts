import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importSquid, memoryReader } from '@outrigger/importer';
import { startEdge } from '@outrigger/proxy';
import { formatDiagnostic, loadRules } from '@outrigger/rules';
import { accept } from '@outrigger/tools/acceptor';
import { type Daemon, daemonOrSkip, freePort, startApache, startSquid } from '@outrigger/tools/daemons';
import { takeHead } from '@outrigger/tools/message';
import { connect, expectResponse } from '@outrigger/tools/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAccessFiles } from '../accessfiles.ts';
import { openStage, type Stage } from './stage.ts';

// The same requests to the installed daemon and to Outrigger: their access logs hold the same lines, but for times and ports.

/** Quotes, backslashes, tabs, bytes beyond ASCII, a forged end of a field, escapes, a query; and what is not there. */
const REQUESTS: readonly (readonly string[])[] = [
  ['GET /page.txt?x=1&pw=2 HTTP/1.1', 'Host: contoso.com', 'User-Agent: Mozilla/5.0 (X11)', 'Referer: http://r.test/a'],
  ['GET /page.txt HTTP/1.1', 'Host: contoso.com', 'User-Agent: a" 200 5 "b\\c\td\xe9 %41 [x]~{}|\'`^<>#', 'Referer: "'],
  ['GET /page.txt HTTP/1.0', 'Host: contoso.com'],
  ['HEAD /page.txt HTTP/1.1', 'Host: contoso.com', 'User-Agent: x'],
];
const PAGE = 'hello';

async function ask(port: number): Promise<void> {
  for (const lines of REQUESTS) {
    const wire = await connect({ host: '127.0.0.1', port });
    await wire.send(`${[...lines, 'Connection: close', '', ''].join('\r\n')}`);
    await expectResponse(wire, { method: lines[0]?.split(' ')[0] ?? '' });
    await wire.inlet.rest(2_000);
    await wire.close();
  }
}

/** Lines of a log once it has as many as there were requests. */
async function linesOf(path: string, count = REQUESTS.length): Promise<string[]> {
  const lines = (): string[] => {
    try {
      return readFileSync(path, 'latin1')
        .trimEnd()
        .split('\n')
        .filter((line) => line !== '');
    } catch {
      return []; // not written yet
    }
  };
  await expect.poll(() => lines().length, { timeout: 5_000, interval: 20 }).toBe(count);
  return lines();
}

/** Times are not the same twice. Form and zone of them stay. */
function timeless(line: string): string {
  return line
    .replace(/\[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d ([+-]\d{4})\]/, '[time $1]')
    .replace(/^\d{10}\.\d{3} {1,6}\d+ /, 'seconds.000 duration ');
}

/** Outrigger with these access logs in front of a server; gives their lines back after all requests. */
async function outriggerLines(stage: Stage, server: number, formats: readonly string[]): Promise<string[][]> {
  const paths = formats.map((_, index) => join(stage.folder, `ours-${server}-${index}.log`));
  const logs = formats.map((format, index) => ({ file: paths[index], format }));
  const { rules, diagnostics } = loadRules(
    JSON.stringify({
      listen: [{ address: '127.0.0.1:0' }],
      upstreams: { web: { servers: [`http://127.0.0.1:${server}`] } },
      access: [{ allow: {} }],
      routes: [{ to: 'web' }],
      accessLog: logs,
    }),
    'live.yaml',
  );
  if (rules === undefined) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
  const files = openAccessFiles(rules, () => {});
  const started = await startEdge({ rules, report: () => {}, logAccess: files.log });
  if (started.kind !== 'started') throw new Error('not started');
  try {
    await ask(started.edge.addresses[0]?.port ?? 0);
  } finally {
    await started.edge.close(0);
    files.close();
  }
  return Promise.all(paths.map((path) => linesOf(path)));
}

describe.runIf(daemonOrSkip('apache2'))('the lines of the installed Apache', () => {
  let stage: Stage;
  let apache: Daemon;
  let port: number;
  beforeAll(async () => {
    stage = await openStage();
    port = await freePort();
    mkdirSync(join(stage.folder, 'site'));
    stage.write('site/page.txt', PAGE);
    const conf = `Listen 127.0.0.1:${port}
DocumentRoot ${stage.folder}/site
UseCanonicalName Off
LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
LogFormat "%h %l %u %t \\"%r\\" %>s %b" common
LogFormat "%m|%U|%q|%{X}i|%{Content-Type}o|%B|%a" own
CustomLog ${stage.folder}/run/combined.log combined
CustomLog ${stage.folder}/run/common.log common
CustomLog ${stage.folder}/run/own.log own`;
    apache = await startApache({ dir: stage.folder, conf });
  });
  afterAll(async () => {
    await apache?.stop();
    await stage?.close();
  });

  it('are ours, byte for byte', async () => {
    await ask(port);
    const theirs = await Promise.all(
      ['combined', 'common', 'own'].map((name) => linesOf(join(stage.folder, 'run', `${name}.log`))),
    );
    const own = '{method}|{path}|{query}|{request:X}|{response:Content-Type}|{sent:body}|{client}';
    const ours = await outriggerLines(stage, port, ['combined', 'common', own]);
    expect(ours.map((lines) => lines.map(timeless))).toEqual(theirs.map((lines) => lines.map(timeless)));
    expect(theirs[0]?.[1]).toContain('\\"');
  });
});

describe.runIf(daemonOrSkip('squid'))('the lines of the installed Squid', () => {
  let stage: Stage;
  let squid: Daemon;
  let port: number;
  let origin: Awaited<ReturnType<typeof accept>>;
  let conf: string;
  beforeAll(async () => {
    stage = await openStage();
    port = await freePort();
    origin = await accept({}, async (connection) => {
      const taken = await takeHead(connection.inlet, 5_000);
      if (taken.kind !== 'bytes') return connection.close();
      const body = taken.bytes.toString('latin1').startsWith('HEAD') ? '' : PAGE;
      const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=x\r\nContent-Length: ${PAGE.length}\r\nConnection: close\r\n\r\n`;
      await connection.send(Buffer.from(head + body));
      connection.finish();
    });
    conf = `http_port 127.0.0.1:${port} accel vhost defaultsite=contoso.com
cache_peer 127.0.0.1 parent ${origin.port} 0 no-query no-digest originserver name=web
cache deny all
http_access allow all
logformat q "%{User-Agent}>h" %{User-Agent}>h [%{User-Agent}>h] %#{Referer}>h
logformat s %>a %6tr %03>Hs %rm %ru %>ru %rp %>rs %>rd %>rP %rv %Ss %Sh %<a %mt "%{Nope}>h"
access_log stdio:${stage.folder}/squid/run/q.log q
access_log stdio:${stage.folder}/squid/run/s.log s
access_log stdio:${stage.folder}/squid/run/native.log squid
access_log stdio:${stage.folder}/squid/run/combined.log combined
access_log stdio:${stage.folder}/squid/run/common.log common`;
    const dir = join(stage.folder, 'squid');
    mkdirSync(dir);
    squid = await startSquid({ conf, dir });
  });
  afterAll(async () => {
    await squid?.stop();
    await origin?.close();
    await stage?.close();
  });

  /** Sizes hold the fields that Squid itself adds; raw Referer and User-Agent of its own formats are escaped here. */
  const sizeless = (line: string): string =>
    line.replace(/(\/200|" 200) \d+/, '$1 size').replace(/ +\d+ 200/, ' duration 200');

  it('are ours, but for its own fields in their sizes, and what it lets clients forge', async () => {
    await ask(port);
    // The connection that looked whether Squid listens is a line, too.
    const theirs = await Promise.all(
      ['q', 's', 'native', 'combined', 'common'].map(async (name) => {
        const lines = await linesOf(join(stage.folder, 'squid', 'run', `${name}.log`), REQUESTS.length + 1);
        return lines.slice(1).map(timeless).map(sizeless);
      }),
    );
    const { rules } = importSquid({ files: ['squid.conf'], reader: memoryReader({ 'squid.conf': conf }) });
    const formats = (rules?.accessLog ?? []).map(({ format }) => format);
    expect(formats).toHaveLength(theirs.length);
    const ours = (await outriggerLines(stage, origin.port, formats)).map((lines) => lines.map(timeless).map(sizeless));
    const forged = 1;
    const comparable = (logs: string[][]): string[][] =>
      logs.map((lines, log) => (log === 3 ? lines.filter((_, index) => index !== forged) : lines));
    expect(comparable(ours)).toEqual(comparable(theirs));
    expect(theirs[3]?.[forged]).toContain('"a" 200 5 "b');
    expect(ours[3]?.[forged]).toContain('"a\\" 200 5 \\"b');
  });
});
