import { readFileSync, rmSync } from 'node:fs';
import { daemonOrSkip, freePort } from '@outrigger/tools/daemons';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchangeRules, openStage, type Stage } from './stage.ts';
import { emulatorScript, type Served, serve, type Watched, watch } from './witness.ts';

// A whole remote desktop session through the edge: FreeRDP's client, an independent RD Gateway, FreeRDP's own RDP server on a
// display in memory. By RPC over HTTP, by RDG_OUT_DATA with a websocket, and by the pair of RDG channels.

const PYTHON = '/usr/bin/python3';
/** What the client says once the desktop of the server is negotiated: the tunnel carried the RDP handshake both ways. */
const SESSION = /Local framebuffer format/;

const client = daemonOrSkip('freerdp');
const rdpServer = daemonOrSkip('freerdpServer');
const xvfb = daemonOrSkip('xvfb');
const emulator = emulatorScript();
if (emulator === undefined) console.warn('SKIPPED: no independent RD Gateway beside the project: FreeRDP did not run');
const programs = [client, rdpServer, xvfb, emulator];

describe.skipIf(programs.includes(undefined))('FreeRDP through the edge', () => {
  let stage: Stage;
  let display: Watched;
  let desktop: Served;
  let desktopPort: number;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    stage = await openStage();
    // The desktop opens the display twice: without -noreset it starts anew once the first has gone, and is not there for a moment.
    display = watch(xvfb ?? '', ['-displayfd', '1', '-screen', '0', '800x600x24', '-nolisten', 'tcp', '-noreset']);
    await display.until(/\d+\n/);
    // Both halves of FreeRDP keep certificates in the home folder: not in that of whoever runs the tests.
    env = { ...process.env, HOME: stage.folder, DISPLAY: `:${/(\d+)\n/.exec(display.said)?.[1]}` };
    desktopPort = await freePort();
    const args = [`/port:${desktopPort}`, '/bind-address:127.0.0.1', '-auth', '/sec:tls'];
    desktop = await serve(rdpServer ?? '', args, desktopPort, env);
  });
  afterAll(async () => {
    await desktop?.stop();
    await display?.stop();
    await stage?.close();
  });

  it.each([
    ['RPC over HTTP', 'rpc', [], ['"method": "RPC_IN_DATA"', '"method": "RPC_OUT_DATA"', '"service": "tsproxy"']],
    ['a websocket', 'http', [], ['"method": "RDG_OUT_DATA"', 'rdg-websocket']],
    ['RDG channels', 'http', ['--no-websocket'], ['"method": "RDG_IN_DATA"', '"method": "RDG_OUT_DATA"']],
  ])('shows a desktop by %s', async (what, type, settings, sights) => {
    const events = stage.write(`${what}.jsonl`, '');
    const { cert, key } = stage.files;
    const gatewayPort = await freePort();
    const account = ['--auth', 'ntlm', '--user', 'lab', '--password', 'Secret1', '--domain', 'LAB'];
    const place = ['--port', String(gatewayPort), '--tls', cert, key, '--events', events];
    const target = ['--rdp', `127.0.0.1:${desktopPort}`, ...settings];
    const gateway = await serve(PYTHON, [emulator ?? '', ...place, ...account, ...target], gatewayPort);
    const edge = await stage.edge(exchangeRules(stage, gatewayPort));
    const login = ['/gu:lab', '/gd:LAB', '/gp:Secret1', '/u:lab', '/d:LAB', '/p:Secret1', '/cert:ignore'];
    const hosts = [`/v:127.0.0.1:${desktopPort}`, `/g:localhost:${edge.port}`, `/gt:${type}`];
    // Its stdout is a pipe here, and what it says would stay in its buffer for as long as the session lasts.
    const session = watch('stdbuf', ['--output=0', client ?? '', ...hosts, ...login], env);
    try {
      await session.until(SESSION);
    } finally {
      await session.stop();
      rmSync(sharedMemoryOf(session), { force: true });
      await gateway.stop();
    }
    const seen = readFileSync(events, 'utf8');
    for (const sight of sights) expect(seen).toContain(sight);
    expect(seen).not.toMatch(/NTLM-SPLIT|"411"|ERROR/);
    expect(edge.records.filter(({ kind }) => kind === 'notice')).toEqual([]);
  });
});

/** What FreeRDP 2 leaves in shared memory when a signal ends it, named for its process. */
function sharedMemoryOf({ pid }: Watched): string {
  return `/dev/shm/com.freerdp.xfreerdp.tsmf_${pid.toString(16).toUpperCase().padStart(16, '0')}`;
}
