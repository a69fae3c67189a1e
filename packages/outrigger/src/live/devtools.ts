// Room: a headless Chromium that a test drives and listens to, over the DevTools protocol on a pipe: no port, and nothing of
// the network but what the page asks for.
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** Milliseconds an answer may take: Chromium takes two seconds to start, a busy machine makes it many. */
const PATIENCE = 45_000;
/** Milliseconds from SIGTERM to SIGKILL. */
const END_PATIENCE = 5_000;

type Parameters = Record<string, unknown>;
// biome-ignore lint/suspicious/noExplicitAny: answers are of a protocol whose types are no part of this project
type Answer = any;

/** One page, from an empty one on. What it did is gathered from its first request on. */
export type Page = {
  open(url: string): Promise<void>;
  /** Value of an expression in the page. */
  evaluate(expression: string): Promise<Answer>;
  send(method: string, params?: Parameters): Promise<Answer>;
  /** URLs asked for, the page's own first. */
  requests: string[];
  /** Lines of the console, exceptions and complaints of the browser. */
  complaints: string[];
};

export type Browser = { page(): Promise<Page>; end(): Promise<void> };

/** Of every Chromium of a test: no window, no first steps, and nothing of the network on its own account. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A Chromium with a profile of its own below `folder`, which goes with the stage. It leads its own group and is ended with it. */
export function spawnChromium(
  chromium: string,
  folder: string,
  flags: readonly string[],
  stdio: StdioOptions,
): { child: ChildProcess; end(): Promise<void> } {
  const child = spawn(chromium, [...FLAGS, `--user-data-dir=${join(folder, 'profile')}`, ...flags], {
    detached: true,
    stdio,
    // What it leaves in its temporary folder goes with the stage.
    env: { ...process.env, TMPDIR: folder },
  });
  const ended = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
  return {
    child,
    async end() {
      if (child.pid === undefined || child.exitCode !== null) return;
      const late = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), END_PATIENCE);
      child.kill('SIGTERM'); // so that it ends its own children before its profile is removed
      await ended;
      clearTimeout(late);
    },
  };
}

/** `folder` takes its profile, and goes with the stage. */
export function startBrowser(chromium: string, folder: string): Browser {
  // Whoever asks for a name anyway learns that there is none.
  const flags = ['--remote-debugging-pipe', '--host-resolver-rules=MAP * ~NOTFOUND'];
  const { child, end } = spawnChromium(chromium, folder, flags, ['ignore', 'ignore', 'ignore', 'pipe', 'pipe']);
  const [toBrowser, fromBrowser] = [child.stdio[3] as Writable, child.stdio[4] as Readable];
  const waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  const listeners: ((method: string, params: Answer, sessionId: string) => void)[] = [];
  let text = '';
  let count = 0;
  toBrowser.on('error', () => undefined);
  fromBrowser.on('data', (piece: Buffer) => {
    text += piece.toString();
    for (let end = text.indexOf('\0'); end !== -1; end = text.indexOf('\0')) {
      const message = JSON.parse(text.slice(0, end)) as Answer;
      text = text.slice(end + 1);
      if (message.id === undefined)
        for (const each of listeners) each(message.method, message.params, message.sessionId);
      else if (message.error === undefined) waiting.get(message.id)?.resolve(message.result);
      else waiting.get(message.id)?.reject(new Error(JSON.stringify(message.error)));
    }
  });
  const send = (method: string, params: Parameters = {}, sessionId?: string): Promise<Answer> => {
    count += 1;
    const id = count;
    toBrowser.write(`${JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) })}\0`);
    return inTime(new Promise((resolve, reject) => waiting.set(id, { resolve, reject })), method);
  };
  return {
    async page() {
      const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
      const page: Page = {
        requests: [],
        complaints: [],
        send: (method, params) => send(method, params, sessionId),
        async open(url) {
          const loaded = new Promise<void>((resolve) =>
            listeners.push((method, _params, session) => {
              if (session === sessionId && method === 'Page.loadEventFired') resolve();
            }),
          );
          await page.send('Page.navigate', { url });
          await inTime(loaded, `load of ${url}`);
        },
        async evaluate(expression) {
          const { result, exceptionDetails } = await page.send('Runtime.evaluate', { expression, returnByValue: true });
          if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
          return result.value;
        },
      };
      listeners.push((method, params, session) => {
        if (session !== sessionId) return;
        if (method === 'Network.requestWillBeSent') page.requests.push(params.request.url);
        if (method === 'Runtime.consoleAPICalled') page.complaints.push(JSON.stringify(params.args));
        if (method === 'Runtime.exceptionThrown') page.complaints.push(params.exceptionDetails.text);
        if (method === 'Log.entryAdded') page.complaints.push(params.entry.text);
      });
      for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await page.send(`${domain}.enable`);
      return page;
    },
    end,
  };
}

async function inTime<Value>(promise: Promise<Value>, what: string): Promise<Value> {
  let late: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    late = setTimeout(() => reject(new Error(`Chromium did not answer in time: ${what}`)), PATIENCE);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(late);
  }
}
