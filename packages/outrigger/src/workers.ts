// Room: several processes behind one set of listeners, where one core is not enough.
import cluster, { type Worker } from 'node:cluster';

/** Wait before a worker that died is replaced, milliseconds: a worker that cannot start must not eat the machine. */
const RESTART_DELAY = 1_000;

/**
 * Forks `count` workers that run this same command line, replaces those that die, and hands on `signals`.
 * Resolves once a signal came and all workers are gone; to 1 where a worker could not even start listening, else 0.
 */
export function superviseWorkers(
  count: number,
  signals: readonly NodeJS.Signals[],
  log: (text: string) => void,
): Promise<number> {
  return new Promise((resolve) => {
    const running = new Set<Worker>();
    let stopping = false;
    let failed = false;
    const restarts = new Set<NodeJS.Timeout>();

    const fork = (): void => {
      const worker = cluster.fork();
      running.add(worker);
      let listened = false;
      worker.once('listening', () => {
        listened = true;
      });
      worker.once('exit', (code, signal) => {
        running.delete(worker);
        if (!stopping && !listened) {
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
      resolve(failed ? 1 : 0);
    };
    const stop = (signal: NodeJS.Signals): void => {
      stopping = true;
      for (const restart of restarts) clearTimeout(restart);
      for (const worker of running) worker.process.kill(signal);
      finishIfDone();
    };

    for (const signal of signals) process.on(signal, stop);
    for (let index = 0; index < count; index += 1) fork();
  });
}
