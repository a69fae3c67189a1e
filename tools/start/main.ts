// Room: `npm start`: the first migration, shown on this machine. Old squid.conf in, rules out, proxy up, Outlook through it.
import { createServer } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ANNA } from '../exchange/index.ts';
import { type Account, createAccount, wantsColour } from './account.ts';
import { type Running, runOutrigger, startOutrigger, topFolder } from './programs.ts';
import { prove } from './proof.ts';
import { type Stage, setStage } from './stage.ts';

const HOST = '127.0.0.1';
const DEFAULT_PORT = 8_443;
const NAME = 'contoso.com';

type Options = { port: number; once: boolean };
type Closers = (() => Promise<unknown>)[];

const FAILED = { kind: 'over', code: 1 } as const;

const USAGE = `usage: npm start [-- --port NUMBER] [-- --once]
  --port NUMBER   where the proxy listens on ${HOST} (default: PORT from the environment, else ${DEFAULT_PORT})
  --once          prove that it works and end
`;

/** The options, or the sentence that says what is wrong with them. */
function readOptions(args: string[], env: NodeJS.ProcessEnv): Options | string {
  try {
    const { values } = parseArgs({
      args,
      options: { port: { type: 'string' }, once: { type: 'boolean', default: false } },
    });
    const text = values.port ?? env.PORT ?? String(DEFAULT_PORT);
    const port = Number(text);
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      return `${text} is not a port: give a number from 1 to 65535`;
    return { port, once: values.once };
  } catch (error) {
    return error instanceof Error ? error.message : String(error); // parseArgs throws on what a person typed
  }
}

/** Whether the port can be listened on; else why not. */
function whyTaken(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, HOST, () => server.close(() => resolve(undefined)));
  });
}

/** How far it came: `up` with everything proven, or the exit code where that is the end. */
type Shown = { kind: 'up'; running: Running; stage: Stage } | { kind: 'over'; code: number };

/** Everything up to and with the proof. What is to be closed at the end goes into `closers` as it comes up. */
async function show({ port }: Options, account: Account, closers: Closers, stop: AbortSignal): Promise<Shown> {
  const taken = await whyTaken(port);
  if (taken !== undefined) {
    account.failed(
      taken === 'EADDRINUSE'
        ? `Port ${port} of ${HOST} is taken by another program. Free it, or choose another: npm start -- --port ${port + 1000}`
        : `Port ${port} of ${HOST} cannot be listened on (${taken}). Choose another: npm start -- --port ${DEFAULT_PORT}`,
    );
    return FAILED;
  }
  const top = topFolder(import.meta.dirname);
  account.heading('The scene: a stand-in Exchange and Apache on this machine, and the squid.conf that joined them');
  const stage = await setStage(join(top, 'fixtures', 'contoso', 'squid.conf'), `${HOST}:${port}`);
  closers.push(stage.close);
  account.done(`Exchange (TLS, NTLM) on ${stage.exchange.address}`);
  account.done(`Apache (TLS) on ${stage.apache.address}`);
  account.done(`squid.conf, its addresses mapped to these: ${stage.conf}`);

  account.heading('outrigger import: the old configuration becomes rules');
  const rules = join(stage.folder, 'outrigger.yaml');
  const imported = await runOutrigger(top, ['import', '--squid', stage.conf, '-o', rules]);
  account.detail(`${imported.out}${imported.err}`.trimEnd());
  if (imported.code !== 0 && imported.code !== 2) {
    if (!stop.aborted) account.failed(`the import ended with ${imported.code}`);
    return FAILED;
  }
  account.done(`rules in ${rules}`);

  account.heading(`outrigger run: the proxy takes ${HOST}:${port}`);
  const running = await startOutrigger(top, rules);
  closers.push(running.stop);
  account.done('listening');

  account.heading('The proof, from outside, through the proxy');
  const to = { host: HOST, port, tls: { ca: stage.ca, servername: NAME } };
  if (await prove({ to, host: NAME, exchange: stage.exchange }, account)) return { kind: 'up', running, stage };
  await running.stop();
  account.detail(`the proxy said:\n${await running.ended}`);
  return FAILED;
}

function invite(port: number, stage: Stage, account: Account): void {
  const curl = `curl -k --resolve ${NAME}:${port}:${HOST} -H 'Host: ${NAME}'`;
  const url = `https://${NAME}:${port}`;
  account.heading(
    'Try it by hand (the Host field goes without a port, or no pattern of the old configuration matches)',
  );
  account.detail(
    [
      '# the website',
      `${curl} ${url}/`,
      '# Outlook on the web',
      `${curl} ${url}/owa/`,
      '# an echo request of RPC over HTTP, logged in with NTLM: 20 bytes come back',
      `${curl} --ntlm -u '${ANNA.domain}\\${ANNA.user}:${ANNA.password}' -X RPC_OUT_DATA -H 'Content-Type:' --data-binary ABCD '${url}/rpc/rpcproxy.dll?mbx1:6001' | od -An -tx1`,
      '# which rule decides',
      `node packages/outrigger/bin/outrigger.js explain ${join(stage.folder, 'outrigger.yaml')} GET https://${NAME}/owa/`,
    ].join('\n'),
  );
  account.heading('Up until Ctrl-C. What the proxy says:');
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env);
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n${USAGE}`);
    return 1;
  }
  const account = createAccount((text) => void process.stdout.write(text), wantsColour(process.stdout, process.env));
  const closers: Closers = [];
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  try {
    const shown = await show(options, account, closers, stop.signal);
    if (stop.signal.aborted) return 0;
    if (shown.kind === 'over') return shown.code;
    if (options.once) return 0;
    invite(options.port, shown.stage, account);
    return await stayUp(shown.running, account, stop.signal);
  } catch (error) {
    if (stop.signal.aborted) return 0; // Ctrl-C reaches the children too, and they end in the middle of things
    account.failed(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** Until a signal, 0; or until the proxy ends by itself, 1. */
async function stayUp(running: Running, account: Account, stop: AbortSignal): Promise<number> {
  running.listen((text) => account.detail(text.trimEnd()));
  const stopped = new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve()));
  await Promise.race([stopped, running.ended]);
  if (stop.aborted) return 0;
  account.failed(`the proxy ended by itself; it said:\n${await running.ended}`);
  return 1;
}

process.exitCode = await main();
