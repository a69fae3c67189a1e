import { readFileSync } from 'node:fs';
import { daemonOrSkip, freePort } from '@outrigger/tools/daemons';
import { type Exchange, startExchange } from '@outrigger/tools/exchange/index';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchangeRules, openStage, type Stage } from './stage.ts';
import { clientScript, emulatorScript, runToEnd, type Served, serve } from './witness.ts';

// Real clients through the real edge. Each must complete as it does without a proxy in between.

/** Bytes impacket moves each way: fifteen flow control acknowledgements and as many stalls (MS-RPCH 3.2.1.1.5). */
const VOLUME = 2_000_000;
/** Bytes Samba moves each way: it never acknowledges, so it must stay under the first window. */
const SAMBA_VOLUME = 30_000;
const PYTHON = '/usr/bin/python3';

const curl = daemonOrSkip('curl');
const impacket = daemonOrSkip('impacket');
const samba = daemonOrSkip('samba');
const emulator = emulatorScript();
if (emulator === undefined)
  console.warn('SKIPPED: no independent RPC over HTTP server beside the project: impacket and Samba did not run');

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const hasRpcClient = impacket !== undefined || samba !== undefined;

describe.skipIf(emulator === undefined || !hasRpcClient)('against an independent RPC over HTTP server', () => {
  let server: Served;
  let port: number;
  let events: string;

  beforeAll(async () => {
    events = stage.write('events.jsonl', '');
    const serverPort = await freePort();
    const { cert, key } = stage.files;
    const account = ['--auth', 'any', '--user', 'lab', '--password', 'Secret1', '--domain', 'LAB'];
    server = await serve(
      PYTHON,
      [emulator ?? '', '--port', String(serverPort), '--tls', cert, key, '--events', events, ...account],
      serverPort,
    );
    ({ port } = await stage.edge(exchangeRules(stage, serverPort)));
  });
  afterAll(() => server?.stop());

  it.skipIf(impacket === undefined).each(['ntlm', 'basic'])('impacket (%s) moves 2 MB each way', async (scheme) => {
    const url = `https://127.0.0.1:${port}/rpc/rpcproxy.dll`;
    const ran = await runToEnd(PYTHON, [
      clientScript('impacket_volume.py'),
      url,
      'lab',
      'Secret1',
      'LAB',
      scheme,
      String(VOLUME),
    ]);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(ran.out)).toEqual({ down: VOLUME, up: VOLUME });
  });

  it.skipIf(samba === undefined).each(['ntlm', 'basic'])(
    "Samba's ncacn_http client (%s, HTTP/1.0) completes its calls",
    async (scheme) => {
      const ran = await runToEnd(PYTHON, [
        clientScript('samba_echo.py'),
        `127.0.0.1:${port}`,
        'lab',
        'Secret1',
        'LAB',
        scheme,
        String(SAMBA_VOLUME),
      ]);
      expect(ran).toMatchObject({ code: 0 });
      expect(JSON.parse(ran.out)).toEqual({ down: SAMBA_VOLUME, up: SAMBA_VOLUME });
    },
  );

  it('never moved a login to another connection, nor sent a head the server refused', () => {
    const seen = readFileSync(events, 'utf8');
    expect(seen).toContain('ntlm-type3');
    expect(seen).not.toMatch(/NTLM-SPLIT|"411"|ERROR/);
  });
});

describe.skipIf(curl === undefined)('curl --ntlm', () => {
  let exchange: Exchange;
  let port: number;

  beforeAll(async () => {
    exchange = await startExchange({ tls: stage.pem, users: [{ user: 'lab', password: 'Secret1', domain: 'LAB' }] });
    ({ port } = await stage.edge(exchangeRules(stage, exchange.port)));
  });
  afterAll(() => exchange?.close());

  const login = ['--ntlm', '-u', 'LAB\\lab:Secret1', '-A', 'MSRPC', '-H', 'Accept: application/rpc'];
  const report = [
    '-sk',
    '--http1.1',
    '-m',
    '20',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code} %{num_connects} %{size_download}',
  ];
  const url = (path: string): string => `https://localhost:${port}${path}`;

  it('gets the echo answer of RPC_IN_DATA over one connection', async () => {
    const echo = ['-X', 'RPC_IN_DATA', '-H', 'Content-Type:', '--data-binary', 'ABCD'];
    const ran = await runToEnd('curl', [...report, ...login, ...echo, url('/rpc/rpcproxy.dll?EXCH1:6001')]);
    expect(ran).toMatchObject({ code: 0, out: '200 1 20' });
  });

  it('gets the echo answer of RPC_OUT_DATA over one connection', async () => {
    const echo = ['-X', 'RPC_OUT_DATA', '-H', 'Content-Type:', '--data-binary', 'ABCD'];
    const ran = await runToEnd('curl', [...report, ...login, ...echo, url('/rpc/rpcproxy.dll?EXCH1:6001')]);
    expect(ran).toMatchObject({ code: 0, out: '200 1 20' });
  });

  it('gets a page over one connection', async () => {
    const ran = await runToEnd('curl', [...report, ...login, url('/owa/')]);
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/^200 1 \d+$/);
  });

  it('is told 401 with a wrong password, and keeps its one connection', async () => {
    const ran = await runToEnd('curl', [
      ...report,
      '--ntlm',
      '-u',
      'LAB\\lab:wrong',
      '-X',
      'RPC_IN_DATA',
      '-H',
      'Content-Length: 0',
      url('/rpc/rpcproxy.dll?EXCH1:6001'),
    ]);
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/^401 1 /);
  });
});
