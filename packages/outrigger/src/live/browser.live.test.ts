import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { LogRecord, RequestRecord } from '@outrigger/proxy';
import { formatDiagnostic, loadRules } from '@outrigger/rules';
import type { Acceptor } from '@outrigger/tools/acceptor';
import { type Daemon, daemonOrSkip, freePort, startApache } from '@outrigger/tools/daemons';
import { type Exchange, startExchange } from '@outrigger/tools/exchange/index';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spawnChromium } from './devtools.ts';
import { startEchoSocket } from './echosocket.ts';
import { openStage, type Stage } from './stage.ts';
import { runToEnd } from './witness.ts';

// A browser and curl over HTTP/2, with the installed Apache behind the edge, and a server that wants NTLM.

/** Parts of the page: more than any browser asks for at once over HTTP/1.1. */
const RESOURCES = 50;
/** Milliseconds until a browser has reported: Chromium takes two seconds to start, a busy machine makes it many. */
const PATIENCE = 45_000;

const chromium = daemonOrSkip('chromium');
const apache2 = daemonOrSkip('apache2');
const curl = daemonOrSkip('curl');

/** Loads every resource, opens a WebSocket, asks for what wants NTLM, and reports what it saw. */
const PAGE = `<!doctype html><title>fifty</title><script>
const parts = Array.from({ length: ${RESOURCES} }, (_, index) => '/part' + index + '.txt');
const socket = () => new Promise((resolve) => {
  const echo = new WebSocket('wss://' + location.host + '/socket');
  echo.onopen = () => echo.send('hello');
  echo.onmessage = ({ data }) => { resolve(data); echo.close(); };
  echo.onerror = () => resolve('failed');
});
(async () => {
  const texts = await Promise.all(parts.map((part) => fetch(part).then((answer) => answer.text())));
  const said = await socket();
  const login = await fetch('/ntlm/exchange.asmx', { credentials: 'omit' }).then(({ status }) => status, String);
  const posted = await fetch('/report/echo', { method: 'POST', body: 'x'.repeat(300000) }).then((answer) => answer.text());
  const protocols = {};
  for (const { name, nextHopProtocol } of performance.getEntriesByType('resource'))
    if (name.includes('/part')) protocols[nextHopProtocol] = (protocols[nextHopProtocol] ?? 0) + 1;
  const [{ nextHopProtocol: page }] = performance.getEntriesByType('navigation');
  await fetch('/report/seen', { method: 'POST', body: JSON.stringify({ texts, said, login, posted, protocols, page }) });
})().catch((error) => fetch('/report/seen', { method: 'POST', body: JSON.stringify(String(error)) }));
</script>`;

type Seen = { texts: string[]; said: string; login: number; posted: string; protocols: object; page: string };

let stage: Stage;
let apache: Daemon;
let exchange: Exchange;
let echo: Acceptor;
let port: number;
let records: LogRecord[];
const reports = createServer();
const seen = new Promise<Seen>((resolve) => {
  reports.on('request', async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const text = Buffer.concat(pieces).toString();
    if (request.url === '/report/seen') resolve(JSON.parse(text) as Seen);
    response.end(String(text.length));
  });
});

describe.skipIf(apache2 === undefined)('over HTTP/2, with the installed Apache behind', () => {
  beforeAll(async () => {
    stage = await openStage();
    const [pages, dir] = [join(stage.folder, 'pages'), join(stage.folder, 'apache')];
    for (const folder of [pages, dir]) mkdirSync(folder);
    writeFileSync(join(pages, 'page.html'), PAGE);
    for (let part = 0; part < RESOURCES; part += 1) writeFileSync(join(pages, `part${part}.txt`), `part ${part}`);
    const apachePort = await freePort();
    const conf = [
      `Listen 127.0.0.1:${apachePort}`,
      `DocumentRoot ${pages}`,
      `<Directory ${pages}>`,
      'Require all granted',
      '</Directory>',
      'TypesConfig /dev/null',
      'AddType text/html .html',
    ].join('\n');
    apache = await startApache({ dir, conf, modules: ['mime'] });
    exchange = await startExchange({ users: [{ user: 'lab', password: 'Secret1', domain: 'LAB' }] });
    echo = await startEchoSocket();
    reports.listen(0, '127.0.0.1');
    await once(reports, 'listening');
    const reportPort = (reports.address() as AddressInfo).port;
    const { cert, key } = stage.files;
    const { rules, diagnostics } = loadRules(
      `
listen: [{ address: '127.0.0.1:0', tls: { certificates: [{ cert: ${cert}, key: ${key} }] } }]
upstreams:
  apache: { servers: ['http://127.0.0.1:${apachePort}'] }
  reports: { servers: ['http://127.0.0.1:${reportPort}'] }
  echo: { servers: ['http://127.0.0.1:${echo.port}'] }
  intranet: { servers: ['http://127.0.0.1:${exchange.port}'] }
  exchange: { servers: ['http://127.0.0.1:${exchange.port}'], rpcOverHttp: true }
access: [{ allow: {} }]
routes:
  - { when: { hosts: mail.contoso.com }, to: exchange }
  - { when: { path: { prefix: /report } }, to: reports }
  - { when: { path: { prefix: /socket } }, to: echo }
  - { when: { path: { prefix: /ntlm } }, to: intranet, rewrite: { path: { from: /ntlm, to: /ews } } }
  - { to: apache }
`,
      'live.yaml',
    );
    if (rules === undefined) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
    ({ port, records } = await stage.edge(rules));
  });
  afterAll(async () => {
    await apache?.stop();
    await exchange?.close();
    await echo?.close();
    reports.close();
    await stage?.close();
  });

  const requests = (path: string): RequestRecord[] =>
    records.filter((record) => record.kind === 'request').filter(({ target }) => target.startsWith(path));

  it.skipIf(chromium === undefined)('Chromium shows a page of fifty parts and a WebSocket', async () => {
    const browser = startChromium(`https://contoso.com:${port}/page.html`);
    let late: NodeJS.Timeout | undefined;
    try {
      const timeout = new Promise<never>((_resolve, reject) => {
        late = setTimeout(() => reject(new Error(`no report from Chromium: ${browser.said()}`)), PATIENCE);
      });
      const report = await Promise.race([seen, timeout]);
      expect(report).toEqual({
        texts: Array.from({ length: RESOURCES }, (_, index) => `part ${index}`),
        said: 'hello',
        // Without a password (nobody answers a dialogue here) it ends in its 401, over HTTP/1.1 as the browser was told.
        login: 401,
        posted: '300000',
        protocols: { h2: RESOURCES },
        page: 'h2',
      });
      expect(new Set(requests('/part').map(({ version, client }) => `${version} ${client}`)).size).toBe(1);
      expect(requests('/part')[0]).toMatchObject({ version: '2', status: 200, upstream: 'apache' });
      expect(requests('/ntlm').map(({ version }) => version)).toEqual(['2', '1.1']);
    } finally {
      clearTimeout(late);
      await browser.end();
    }
    // Told when both ends are closed, which may be after Chromium has ended.
    await expect.poll(() => requests('/socket')).toMatchObject([{ version: '1.1', status: 101 }]);
  });

  const curlWith = (...args: string[]) =>
    runToEnd('curl', ['-sk', '--http2', '-m', '20', '-o', '/dev/null', '-w', '%{http_version} %{http_code}', ...args]);
  const at = (host: string): string[] => ['--resolve', `${host}:${port}:127.0.0.1`];

  it.skipIf(curl === undefined).each([
    ['contoso.com', '/page.html', '2 200'],
    ['mail.contoso.com', '/ews/exchange.asmx', '1.1 401'],
  ])('curl at %s%s ends with %s', async (host, path, end) => {
    expect(await curlWith(...at(host), `https://${host}:${port}${path}`)).toMatchObject({ code: 0, out: end });
  });

  it.skipIf(curl === undefined)('curl --ntlm is asked to come again over HTTP/1.1, and logs in', async () => {
    const login = ['--ntlm', '-u', 'LAB\\lab:Secret1'];
    const ran = await curlWith(...at('contoso.com'), ...login, `https://contoso.com:${port}/ntlm/exchange.asmx`);
    expect(ran).toMatchObject({ code: 0, out: '1.1 400' }); // what EWS says to a GET of someone it knows
  });
});

/** A Chromium that shows a page, to whom every name is loopback, over HTTP/2 at most. */
function startChromium(url: string): { said(): string; end(): Promise<void> } {
  const flags = [
    '--disable-quic',
    '--ignore-certificate-errors',
    '--remote-debugging-port=0', // or it shows the page to nobody and leaves
    '--host-resolver-rules=MAP * 127.0.0.1',
    url,
  ];
  const { child, end } = spawnChromium(chromium ?? '', stage.folder, flags, ['ignore', 'ignore', 'pipe']);
  let said = '';
  child.stderr?.on('data', (piece: Buffer) => {
    said = (said + piece.toString()).slice(-2_000);
  });
  return { said: () => said, end };
}
