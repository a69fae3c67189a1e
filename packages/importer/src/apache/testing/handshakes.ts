// Records of what Apache answered to handshakes that name another host than their request, or to none: handshakes.tsv of a case.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FIXTURES } from '../../testing/goldencase.ts';

/** `serverName`: as written, `-` for none, `plain` for no TLS. `verdict`: as `ask` of the stage says it, or `closed`. */
export type Handshake = { port: number; serverName: string; host: string; target: string; verdict: string };

const CASES = join(FIXTURES, 'apache');
export const HANDSHAKE_CASES = readdirSync(CASES)
  .map((name) => ({ name: `apache/${name}`, folder: join(CASES, name) }))
  .filter(({ folder }) => existsSync(join(folder, 'handshakes.tsv')));

const HEAD =
  '# Apache/2.4.71 (Debian): port, name in TLS (- for none, plain for no TLS), Host, target, what it did (closed: it broke off)';

/** Where the record of a case is, and how it is written. */
export function recordOf(folder: string): { path: string; print(rows: readonly Handshake[]): string } {
  const line = ({ port, serverName, host, target, verdict }: Handshake): string =>
    [port, serverName, host, target, verdict].join('\t');
  return { path: join(folder, 'handshakes.tsv'), print: (rows) => [HEAD, ...rows.map(line), ''].join('\n') };
}

export function handshakesOf(folder: string): Handshake[] {
  const lines = readFileSync(recordOf(folder).path, 'utf8').split('\n');
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'))
    .map(([port = '', serverName = '', host = '', target = '', verdict = '']) => ({
      port: Number(port),
      serverName,
      host,
      target,
      verdict,
    }));
}
