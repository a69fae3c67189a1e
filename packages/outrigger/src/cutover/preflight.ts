// Room: what stands in the way of a cut-over, all of it at once, before anything is changed.
import { readFileSync, statfsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { openBackups } from './backup.ts';
import { type Command, commandText, programText, runCommandToEnd } from './command.ts';
import type { Cutover } from './cutover.ts';
import { type Holder, holdersOf, holderText, inTheWay, type Listening, listeningNow } from './listening.ts';
import { type Unit, unitObstacles } from './unit.ts';

/** Closed; each has its line in the README. */
export type PreflightCode =
  | 'PREFLIGHT_UNDER_WAY'
  | 'PREFLIGHT_UNFINISHED'
  | 'PREFLIGHT_NOBODY'
  | 'PREFLIGHT_OTHER_HOLDER'
  | 'PREFLIGHT_ADDRESS_TAKEN'
  | 'PREFLIGHT_NO_ROOM'
  | 'PREFLIGHT_FILES'
  | 'PREFLIGHT_TEST_FAILS'
  | 'PREFLIGHT_NO_UNIT'
  | 'PREFLIGHT_OTHER_RULES'
  | 'PREFLIGHT_HIDDEN'
  | 'PREFLIGHT_NO_ANSWER';

/** `message`: what was found, what would come of it, what to do. */
export type Obstacle = { code: PreflightCode; message: string };

/** What is asked of the machine. Tests hand in their own. */
export type Machine = {
  listening(): Listening[];
  holders(sockets: readonly Listening[]): Holder[];
  /** Bytes that are free for us where `folder` is, or will be; undefined where that cannot be told. */
  free(folder: string): number | undefined;
};

export type Preflight = {
  plan: Cutover;
  /** The holder's own test of its files. */
  test?: Command;
  /** Reads all files of the rules as the user that Outrigger runs as, and says as JSON what is wrong (`validate --files`). */
  files: Command;
  /** Where backups are kept. */
  folder: string;
  /** How systemd starts Outrigger; absent where a command of its own does. */
  unit?: Unit;
};

/** What runs as whom: by the name of the file. Debian's modules of a process manager and old Red Hat's have names of their own behind it. */
const PROGRAMS: Readonly<Record<Cutover['holder'], RegExp>> = {
  Apache: /^(?:apache2|httpd)(?:[.-]|$)/,
  Squid: /^squid/,
};
/** Bytes that a journal, the log of Outrigger's start and the changed files beside the old ones may take, for each file once more. */
const ROOM_BESIDE = 4 * 1_024 * 1_024;

/** All obstacles there are; none is a promise that nothing will fail. Changes nothing. */
export async function obstaclesOf(given: Preflight, machine: Machine = THIS_MACHINE): Promise<Obstacle[]> {
  const { plan, folder, unit, test, files } = given;
  return [
    ...unfinished(folder),
    ...addressObstacles(plan, machine),
    ...roomObstacles(plan, folder, machine),
    ...(unit === undefined ? [] : unitObstacles(unit)),
    ...(await fileObstacles(files)),
    ...(await testObstacles(plan, test)),
  ];
}

/** A second cut-over on top of half a one would keep changed files as what was. */
function unfinished(folder: string): Obstacle[] {
  return openBackups(folder)
    .filter(({ manifest }) => manifest.stage !== 'applied')
    .map(({ folder: own, manifest }) => ({
      code: 'PREFLIGHT_UNFINISHED',
      message: `the cut-over of ${manifest.created} was broken off (${manifest.stage}) and not taken back: ${programText()} rollback --backup ${own}`,
    }));
}

function addressObstacles({ holder, doors, fresh, pidFile }: Cutover, machine: Machine): Obstacle[] {
  const listening = machine.listening();
  const at = (address: string): Listening[] => inTheWay(listening, endpoint(address));
  const own = new Set(doors.flatMap(({ taken }) => at(taken)));
  const isTaken = (address: string): Obstacle[] => {
    const others = at(address).filter((each) => !own.has(each));
    if (others.length === 0) return [];
    const who = machine.holders(others).map(holderText).join(', ') || 'somebody';
    return [
      {
        code: 'PREFLIGHT_ADDRESS_TAKEN',
        message: `${who} listens on ${address} already: choose another address, or end it`,
      },
    ];
  };
  return [
    ...doors.flatMap(({ taken }) => holderObstacles(taken, at(taken), holder, pidFile, machine)),
    ...doors.flatMap(({ place }) => (place === undefined ? [] : isTaken(place))),
    ...fresh.flatMap(isTaken),
  ];
}

/** Whether it is that very Apache or Squid, and nobody beside it, that holds an address. What nobody lets us see stands in no way. */
function holderObstacles(
  taken: string,
  sockets: readonly Listening[],
  holder: Cutover['holder'],
  pidFile: string | undefined,
  machine: Machine,
): Obstacle[] {
  if (sockets.length === 0)
    return [
      {
        code: 'PREFLIGHT_NOBODY',
        message: `nobody listens on ${taken}: start ${holder} first, for nothing could be compared`,
      },
    ];
  const holders = machine.holders(sockets);
  const strangers = holders.filter(({ program }) => program !== '' && !PROGRAMS[holder].test(basename(program)));
  if (strangers.length > 0)
    return [
      {
        code: 'PREFLIGHT_OTHER_HOLDER',
        message: `${taken} is held by ${strangers.map(holderText).join(', ')} and not by ${holder} alone: it would stay there, and Outrigger could not start`,
      },
    ];
  const pid = pidFile === undefined ? undefined : pidIn(pidFile);
  if (pid === undefined || holders.length === 0 || holders.some((each) => each.pid === pid || each.parent === pid))
    return [];
  return [
    {
      code: 'PREFLIGHT_OTHER_HOLDER',
      message: `${taken} is held by ${holders.map(holderText).join(', ')}, but ${holder} of this configuration is process ${pid} (${pidFile}): it is another ${holder}, of other files`,
    },
  ];
}

function endpoint(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(colon + 1)) };
}

/** The pid that a daemon wrote down; undefined where the file or its process is gone. */
function pidIn(file: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(file, 'latin1'), 10);
    return pid > 0 && readFileSync(`/proc/${pid}/stat`).length > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Backups are written before files are changed; a disk that fills up between the two would leave neither whole. */
function roomObstacles({ files }: Cutover, folder: string, machine: Machine): Obstacle[] {
  const changed = files.flatMap((each) =>
    each.kind === 'link' ? [] : [{ place: dirname(each.path), bytes: each.after.length }],
  );
  const all = changed.reduce((sum, { bytes }) => sum + bytes, 0);
  const wanted = new Map([[folder, all + ROOM_BESIDE]]);
  for (const { place, bytes } of changed) wanted.set(place, (wanted.get(place) ?? ROOM_BESIDE) + bytes);
  return [...wanted].flatMap(([place, bytes]): Obstacle[] => {
    const free = machine.free(place);
    if (free === undefined || free >= bytes) return [];
    return [
      {
        code: 'PREFLIGHT_NO_ROOM',
        message: `${place} has ${free} bytes free, and ${bytes} are wanted: make room first`,
      },
    ];
  });
}

/** Findings of `validate --files --json`, where they keep Outrigger from starting. */
async function fileObstacles(files: Command): Promise<Obstacle[]> {
  const { code, said } = await runCommandToEnd(files);
  if (code === 0) return [];
  return [
    {
      code: 'PREFLIGHT_FILES',
      message: `Outrigger could not start with the files of its rules: ${commandText(files)}\n${said}`,
    },
  ];
}

async function testObstacles({ holder }: Cutover, test: Command | undefined): Promise<Obstacle[]> {
  if (test === undefined) return [];
  const { code, said } = await runCommandToEnd(test);
  if (code === 0) return [];
  const message = `the test of ${holder} fails before anything is changed, so that it could not come back: ${commandText(test)}\n${said}`;
  return [{ code: 'PREFLIGHT_TEST_FAILS', message }];
}

const THIS_MACHINE: Machine = { listening: listeningNow, holders: holdersOf, free: freeIn };

/** Of the nearest folder that is there: a folder of backups is made later. */
function freeIn(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch (error) {
    const above = dirname(folder);
    return (error as NodeJS.ErrnoException).code === 'ENOENT' && above !== folder ? freeIn(above) : undefined;
  }
}
