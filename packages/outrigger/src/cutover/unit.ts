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
export const UNIT_FOLDERS = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
] as const;

/**
 * `rules`: what its command names as the rules file. `user` absent: root. `hidden`: paths of its command that the unit does not let it see;
 * of the one that we ship, where there is none.
 */
export type Unit = { wanted: string; hidden: string[] } & (
  | { kind: 'missing' }
  | { kind: 'found'; file: string; user?: string; rules?: string }
);

/** Folders that a setting takes from a service, systemd.exec(5), and its values that do not. */
const HIDES = [
  { setting: 'ProtectHome', off: /^(?:no|false|off|0|read-only)$/i, folder: /^\/(?:home|root|run\/user)\// },
  { setting: 'PrivateTmp', off: /^(?:no|false|off|0)$/i, folder: /^\/(?:tmp|var\/tmp)\// },
] as const;

/** The unit of Outrigger below `root`, with its drop-ins. `wanted`: the rules file of this cut-over; `program`: words. Runs nothing. */
export function findUnit(wanted: string, program: readonly string[], root = '/'): Unit {
  const folders = UNIT_FOLDERS.map((folder) => join(root, folder));
  const file = folders.map((folder) => join(folder, UNIT)).find((path) => existsSync(path));
  if (file === undefined) {
    const shipped = unitText(program, wanted).split('\n');
    return { kind: 'missing', wanted, hidden: hiddenIn(shipped, [...program, wanted]) };
  }
  const dropIns = folders.flatMap((folder) => confIn(join(folder, `${UNIT}.d`)));
  const lines = [file, ...dropIns].flatMap((path) => readFileSync(path, 'utf8').split('\n'));
  const user = lastValue(lines, 'User');
  const start = lastValue(lines, 'ExecStart') ?? '';
  const rules = / run (?:.* )?(\S+\.ya?ml)\b/.exec(start)?.[1];
  const hidden = hiddenIn(lines, start.split(/[\s"]+/));
  return { kind: 'found', file, wanted, hidden, ...(user && { user }), ...(rules && { rules }) };
}

/** Those of `words` that are paths in a folder that the unit hides. Links count by where they lead. */
function hiddenIn(lines: readonly string[], words: readonly string[]): string[] {
  const hides = HIDES.filter(({ setting, off }) => !off.test(lastValue(lines, setting) ?? 'no'));
  return words.filter((word) => word.startsWith('/') && hides.some(({ folder }) => folder.test(real(word))));
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
  const hidden = unit.hidden.map(
    (path): Obstacle => ({
      code: 'PREFLIGHT_HIDDEN',
      message: `the service sees no home folders and no /tmp (ProtectHome, PrivateTmp), and ${path} is in one, so that it could not start: put it elsewhere, such as /opt/outrigger or /etc/outrigger`,
    }),
  );
  if (unit.kind === 'missing')
    return [
      ...hidden,
      {
        code: 'PREFLIGHT_NO_UNIT',
        message: `there is no ${UNIT} to be started: write ${UNIT_FILE} as the steps show, and systemctl daemon-reload`,
      },
    ];
  const { file, rules, wanted } = unit;
  if (rules === undefined || real(rules) === real(wanted)) return hidden;
  const message = `${file} runs ${rules}, and not ${wanted}: other rules would hold than are planned here; name this file there, and systemctl daemon-reload`;
  return [...hidden, { code: 'PREFLIGHT_OTHER_RULES', message }];
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path); // it is not there yet
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
