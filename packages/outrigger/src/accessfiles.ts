// Room: access logs on disk: which lines go into which file, files opened anew so that they can be rotated, and what becomes of
// lines where a file cannot be written: nobody's request waits for them.
import { accessSync, closeSync, constants, existsSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { type AccessEntry, compileLogLine, type LogRecord } from '@outrigger/proxy';
import { conditionTest, type RuleSet } from '@outrigger/rules';
import { type LineBuffer, lineBuffer } from './lines.ts';
import { reasonOf } from './rulesfile.ts';

/** Owner and group read: lines hold addresses, names and paths of people. */
const MODE = 0o640;

/** Milliseconds between two findings about one file: a full disk is said once, not with each line. */
const FINDING_INTERVAL = 60_000;

/** `ACCESS_LOG`: an access log cannot be opened or written; its lines are lost until it can. */
export type AccessFileCode = 'ACCESS_LOG';

export type AccessFiles = {
  /** Writes the lines of a request, some milliseconds later and many at a time. */
  log(entry: AccessEntry): void;
  /** Writes what is held and opens every file anew: after a rotation by renaming. */
  reopen(): void;
  /** Goes by the access logs of these rules from now on; reopens them all. */
  adopt(rules: RuleSet): void;
  /** Writes what is held and closes. */
  close(): void;
};

type File = LineBuffer & { close(): void };
type Log = { file: File; line: (entry: AccessEntry) => string; wants: (entry: AccessEntry) => boolean };

/** Opens the access logs of rules whose file names are absolute. A file that cannot be opened keeps nobody from being served. */
export function openAccessFiles(rules: RuleSet, report: (record: LogRecord) => void): AccessFiles {
  let logs = openLogs(rules, report);
  let current = rules;
  const close = (): void => {
    for (const file of new Set(logs.map((log) => log.file))) file.close();
    logs = [];
  };
  const adopt = (next: RuleSet): void => {
    close();
    current = next;
    logs = openLogs(next, report);
  };
  return {
    log(entry) {
      for (const { file, line, wants } of logs) if (wants(entry)) file.put(line(entry));
    },
    reopen: () => adopt(current),
    adopt,
    close,
  };
}

/** Access logs that this process could not write: one warning each, for they keep nobody from being served. Opens and makes nothing. */
export function accessFileFindings({
  accessLog = [],
}: RuleSet): { severity: 'warning'; code: AccessFileCode; message: string }[] {
  return [...new Set(accessLog.map(({ file }) => file))].flatMap((file) => {
    const place = existsSync(file) ? file : dirname(file);
    try {
      accessSync(place, constants.W_OK);
      return [];
    } catch (error) {
      const message = `${file} cannot be written: ${place}: ${reasonOf(error)}. Its lines would be lost; let the user write there.`;
      return [{ severity: 'warning', code: 'ACCESS_LOG', message }];
    }
  });
}

/** Logs that name one file share it, so that their lines keep their order. */
function openLogs({ accessLog = [] }: RuleSet, report: (record: LogRecord) => void): Log[] {
  const files = new Map<string, File>();
  return accessLog.map(({ file: path, format, when }) => {
    const file = files.get(path) ?? openFile(path, report);
    files.set(path, file);
    const holds = when === undefined ? () => true : conditionTest(when);
    return {
      file,
      line: compileLogLine(format),
      wants: ({ facts }) => when === undefined || (facts !== undefined && holds(facts)),
    };
  });
}

function openFile(path: string, report: (record: LogRecord) => void): File {
  let lastFinding = Number.NEGATIVE_INFINITY;
  const attempt = (what: string, act: () => void): void => {
    try {
      act();
    } catch (error) {
      const at = Date.now();
      if (at - lastFinding < FINDING_INTERVAL) return;
      lastFinding = at;
      const reason = error instanceof Error ? error.message : String(error);
      const message = `${path} cannot be ${what} (${reason}); its lines are lost until it can. Mend it, then send SIGHUP.`;
      report({ kind: 'notice', at, severity: 'error', code: 'ACCESS_LOG' satisfies AccessFileCode, message });
    }
  };
  let descriptor: number | undefined;
  attempt('opened', () => {
    // For appending: whoever empties the file while it is open leaves no hole in it, and workers do not overwrite each other.
    descriptor = openSync(path, 'a', MODE);
  });
  const buffer = lineBuffer((lines) => {
    const open = descriptor;
    if (open !== undefined) attempt('written', () => void writeSync(open, Buffer.from(lines, 'latin1')));
  });
  return {
    ...buffer,
    close() {
      buffer.flush();
      const open = descriptor;
      descriptor = undefined;
      if (open !== undefined) attempt('closed', () => closeSync(open));
    },
  };
}
