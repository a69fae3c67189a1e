// Room: the service of systemd that is Outrigger: the file we ship, made out for this machine, and the one that is there.
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Obstacle } from './preflight.ts';

/** What `systemctl` knows Outrigger by. */
export const UNIT = 'outrigger.service';
/** Where a person puts it. */
export const UNIT_FILE = `/etc/systemd/system/${UNIT}`;
/** The user of the unit we ship. */
export const SERVICE_USER = 'outrigger';
const SHIPPED = new URL('../../outrigger.service', import.meta.url);
/** The command in the file we ship, and the one made out for this machine. */
const SHIPPED_START = 'ExecStart=/usr/bin/outrigger run /etc/outrigger/outrigger.yaml';

/** Where units are looked for, the first has it, systemd.unit(5). */
const FOLDERS = [
  'etc/systemd/system',
  'run/systemd/system',
  'usr/local/lib/systemd/system',
  'usr/lib/systemd/system',
  'lib/systemd/system',
];

/** `rules`: what its command names as the rules file. `user` absent: root. */
export type Unit =
  | { kind: 'missing'; wanted: string }
  | { kind: 'found'; file: string; user?: string; rules?: string; wanted: string };

/** The unit of Outrigger below `root`, with its drop-ins. `wanted`: the rules file of this cut-over. Runs nothing. */
export function findUnit(wanted: string, root = '/'): Unit {
  const folders = FOLDERS.map((folder) => join(root, folder));
  const file = folders.map((folder) => join(folder, UNIT)).find((path) => existsSync(path));
  if (file === undefined) return { kind: 'missing', wanted };
  const dropIns = folders.flatMap((folder) => confIn(join(folder, `${UNIT}.d`)));
  const lines = [file, ...dropIns].flatMap((path) => readFileSync(path, 'utf8').split('\n'));
  const user = lastValue(lines, 'User');
  const rules = / run (?:.* )?(\S+\.ya?ml)\b/.exec(lastValue(lines, 'ExecStart') ?? '')?.[1];
  return { kind: 'found', file, wanted, ...(user && { user }), ...(rules && { rules }) };
}

function confIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith('.conf'));
  return names.sort().map((name) => join(folder, name));
}

/** An empty value takes back what was said before, systemd.syntax(7). */
function lastValue(lines: readonly string[], key: string): string | undefined {
  return lines
    .flatMap((line) => new RegExp(`^\\s*${key}\\s*=\\s*(.*?)\\s*$`).exec(line)?.[1] ?? [])
    .findLast((value) => value !== '');
}

/** What would keep systemd from starting the Outrigger that is meant. */
export function unitObstacles(unit: Unit): Obstacle[] {
  if (unit.kind === 'missing')
    return [
      {
        code: 'PREFLIGHT_NO_UNIT',
        message: `there is no ${UNIT} to be started: write ${UNIT_FILE} as the steps show, and systemctl daemon-reload`,
      },
    ];
  const { file, rules, wanted } = unit;
  if (rules === undefined || isSameFile(rules, wanted)) return [];
  const message = `${file} runs ${rules}, and not ${wanted}: other rules would hold than are planned here; name this file there, and systemctl daemon-reload`;
  return [{ code: 'PREFLIGHT_OTHER_RULES', message }];
}

function isSameFile(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return resolve(one) === resolve(other); // one of them is not there yet
  }
}

/** The unit we ship, with the program and the rules file of this machine. `program`: words. */
export function unitText(program: readonly string[], rules: string): string {
  const shipped = readFileSync(SHIPPED, 'utf8');
  return shipped.replace(SHIPPED_START, () => `ExecStart=${[...program, 'run', rules].map(unitWord).join(' ')}`);
}

/** A word as systemd reads it back, systemd.service(5), "Command lines". */
function unitWord(word: string): string {
  const plain = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w@%+=:,./$-]+$/.test(plain) ? plain : `"${plain.replace(/["\\]/g, '\\$&')}"`;
}
