// Room: several processes behind one set of listeners, where one core is not enough.
import cluster, { type Worker } from 'node:cluster';
import { onReloadSignal } from './reload.ts';

/** Wait before a worker that died is replaced, milliseconds: a worker that cannot start must not eat the machine. */
const RESTART_DELAY = 1_000;

/**
 * New rules for a worker, all of them from one reading of the file; without `text` they are not usable, and only files are opened anew.
 * `looks`: it compares certificates with those of Exchange.
 */
export type Reload = { text?: string; looks: boolean };

/** What a worker does: takes the rules that its supervisor sends, one after the other. The signal to reload is not its own. */
export function followSupervisor(adopt: (reload: Reload) => Promise<void>): { stop(): void } {
  let last = Promise.resolve();
  const onMessage = (reload: Reload): void => {
    last = last.then(() => adopt(reload));
  };
  process.on('message', onMessage);
  const deaf = onReloadSignal(() => {});
  return {
    stop() {
      process.off('message', onMessage);
      deaf.stop();
    },
  };
}

/**
 * Forks `count` workers that run this same command line, replaces those that die, and hands on `signals`. At the signal to reload
 * `readRules` gives the text of the rules for all of them; undefined where it is not usable, and they keep their rules.
 * Resolves once a signal came and all workers are gone; to 1 where a worker could not even start listening, else 0.
 */
export function superviseWorkers(
  count: number,
  signals: readonly NodeJS.Signals[],
  log: (text: string) => void,
  readRules: () => string | undefined,
): Promise<number> {
  return new Promise((resolve) => {
    const running = new Set<Worker>();
    let stopping = false;
    let failed = false;
    let everListened = false;
    const restarts = new Set<NodeJS.Timeout>();

    const fork = (): void => {
      const worker = cluster.fork();
      running.add(worker);
      worker.once('listening', () => {
        everListened = true;
      });
      worker.once('exit', (code, signal) => {
        running.delete(worker);
        if (!stopping && !everListened) {
          // It told why on its own stderr; the others would fail for the same reason.
          failed = true;
          stop('SIGTERM');
        } else if (!stopping) {
          log(`worker ${worker.process.pid} ended (${signal ?? `code ${code}`}); a new one takes its place`);
          const restart = setTimeout(() => {
            restarts.delete(restart);
            fork();
          }, RESTART_DELAY);
          restarts.add(restart);
        }
        finishIfDone();
      });
    };
    const finishIfDone = (): void => {
      if (!stopping || running.size > 0) return;
      for (const signal of signals) process.off(signal, stop);
      reloads.stop();
      resolve(failed ? 1 : 0);
    };
    const stop = (signal: NodeJS.Signals): void => {
      stopping = true;
      for (const restart of restarts) clearTimeout(restart);
      for (const worker of running) worker.process.kill(signal);
      finishIfDone();
    };

    const reloads = onReloadSignal(() => {
      const text = readRules();
      for (const [index, worker] of [...running].entries()) {
        worker.send({ ...(text !== undefined && { text }), looks: index === 0 } satisfies Reload);
      }
    });

    for (const signal of signals) process.on(signal, stop);
    for (let index = 0; index < count; index += 1) fork();
  });
}
