// Room: the two measurements of the benchmark: ApacheBench's count of requests, and the kernel's of processor time. Linux.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readReport, readTicks } from './figures.ts';

/** Connections kept open, each with one request under way. */
const CONNECTIONS = 32;
/** Seconds of one turn. */
const SECONDS = 2;
/** More requests than a turn can make: ApacheBench stops at either limit. */
const ENDLESS = 10_000_000;

/** Requests of one turn over kept connections. Throws with ApacheBench's words where one of them was not answered well. */
export function requests(url: string, host: string): { count: number; perSecond: number } {
  const args = ['-q', '-k', '-c', CONNECTIONS, '-t', SECONDS, '-n', ENDLESS, '-H', `Host: ${host}`, url].map(String);
  const { stdout, stderr } = spawnSync('ab', args, { encoding: 'utf8' });
  const read = readReport(stdout ?? '');
  if (read === undefined)
    throw new Error(`ab (Debian package apache2-utils) on ${url}:\n${stderr ?? ''}${stdout ?? ''}`);
  return read;
}

/** Processor seconds of a process and those it started, user and system, up to now. */
export function processorSeconds(pid: number): number {
  const ticksASecond = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout);
  const ticks = family(pid).reduce((sum, member) => sum + readTicks(readFileSync(`/proc/${member}/stat`, 'utf8')), 0);
  return ticks / ticksASecond;
}

function family(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(family)];
}
