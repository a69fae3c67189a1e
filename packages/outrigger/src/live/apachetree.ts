// Room: an Apache that a live test runs from a tree of its own, inside its network: started as its service would start it, and ended.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Network } from './network.ts';

/** Milliseconds until Apache is gone: children that hold a connection are given ten seconds. */
const END_PATIENCE = 20_000;

export type ApacheTree = {
  /** The folder with its files. */
  tree: string;
  /** Words that run this Apache inside the network. */
  command(...args: string[]): [string, ...string[]];
  /** Runs it to its end: what it said. Throws where it refuses. */
  run(...args: string[]): string;
  /** All paths of the tree with what they hold, mode and owner. */
  sums(): Record<string, string>;
  log(name: string): string;
  stop(): Promise<void>;
};

/** Starts it. `words`: the program with its environment and options, without `-k`. */
export function startApacheTree(
  network: Network,
  { tree, words, pidFile, logs }: { tree: string; words: readonly string[]; pidFile: string; logs: string },
): ApacheTree {
  const command: ApacheTree['command'] = (...args) => network.inside('env', ...words, ...args);
  const run = (...args: string[]): string => {
    const [program, ...rest] = command(...args);
    const { status, stdout, stderr } = spawnSync(program, rest, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${words.join(' ')} ${args.join(' ')}: ${stderr}`);
    return stdout + stderr;
  };
  run('-k', 'start');
  return {
    tree,
    command,
    run,
    sums: () => sumsOf(tree),
    log: (name) => readFileSync(join(logs, name), 'utf8'),
    async stop() {
      const pid = existsSync(pidFile) ? readFileSync(pidFile, 'utf8').trim() : 'none';
      run('-k', 'stop');
      const deadline = Date.now() + END_PATIENCE;
      // It takes its pid file away while it still has its ports.
      while ((existsSync(pidFile) || existsSync(`/proc/${pid}`)) && Date.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 50));
    },
  };
}

function sumsOf(folder: string, prefix = ''): Record<string, string> {
  const sums: Record<string, string> = {};
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    const { mode, uid, gid } = lstatSync(path);
    if (lstatSync(path).isDirectory()) Object.assign(sums, sumsOf(path, `${prefix}${name}/`));
    else {
      const bytes = lstatSync(path).isSymbolicLink() ? readlinkSync(path) : readFileSync(path);
      sums[prefix + name] = `${createHash('sha256').update(bytes).digest('hex')} ${mode.toString(8)} ${uid}:${gid}`;
    }
  }
  return sums;
}
