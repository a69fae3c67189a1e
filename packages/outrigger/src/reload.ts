// Room: the rules file read again while the proxy runs. Where anything is wrong with it, or with a file it names, the rules from before
// stay whole, and the log says all that is wrong.
import type { Edge, LogRecord } from '@outrigger/proxy';
import { type Diagnostic, formatDiagnostic, loadRules, type RuleSet } from '@outrigger/rules';
import { readText, UsageError, withAbsoluteFiles } from './rulesfile.ts';

/** What daemons take for "read your configuration again". */
const RELOAD_SIGNAL: NodeJS.Signals = 'SIGHUP';

/** `RELOADED`: new rules hold · `RELOAD_REFUSED`: the old ones do. Beside them, the codes of what is wrong. */
export type ReloadCode = 'RELOADED' | 'RELOAD_REFUSED';

type Report = (record: LogRecord) => void;

/** Calls `again` at each signal, one call at a time; signals that come meanwhile are one more call. */
export function onReloadSignal(again: () => Promise<void> | void): { stop(): void } {
  let underWay = false;
  let wanted = false;
  const onSignal = async (): Promise<void> => {
    wanted = true;
    if (underWay) return;
    underWay = true;
    while (wanted) {
      wanted = false;
      await again();
    }
    underWay = false;
  };
  process.on(RELOAD_SIGNAL, onSignal);
  return { stop: () => process.off(RELOAD_SIGNAL, onSignal) };
}

/** The text of the rules file where rules can be made of it; findings go to the log. */
export function readAgain(file: string, report: Report): string | undefined {
  try {
    const text = readText(file);
    const { rules, diagnostics } = loadRules(text, file);
    for (const diagnostic of diagnostics) report(findingOf(diagnostic));
    if (rules !== undefined) return text;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    report(notice('error', 'RELOAD_REFUSED', error.message));
  }
  report(notice('error', 'RELOAD_REFUSED', `${file}: not usable. The rules from before stay; mend it and reload.`));
  return undefined;
}

/** Has the edge serve by rules that `readAgain` found usable; gives them back where it does. `grace` in milliseconds. */
export async function reloadEdge(
  edge: Edge,
  file: string,
  text: string,
  grace: number,
  report: Report,
): Promise<RuleSet | undefined> {
  const { rules: read } = loadRules(text, file);
  if (read === undefined) throw new Error(`rules that were usable are not any more: ${file}`);
  const rules = withAbsoluteFiles(read, file);
  const result = await edge.reload(rules, grace);
  switch (result.kind) {
    case 'closed':
      return undefined;
    case 'failed':
      for (const { code, message } of result.problems) report(notice('error', code, message));
      report(notice('error', 'RELOAD_REFUSED', `${file}: cannot be served. The rules from before stay.`));
      return undefined;
    case 'reloaded': {
      const listeners = [
        ...result.opened.map((name) => `opened ${name}`),
        ...result.closed.map((name) => `closed ${name}`),
      ];
      const changes = listeners.length === 0 ? 'the same listeners' : listeners.join(', ');
      report(notice('note', 'RELOADED', `${file} and its certificates were read again (${changes}).`));
      return rules;
    }
  }
}

function findingOf(diagnostic: Diagnostic): LogRecord {
  const { severity, code } = diagnostic;
  const text = formatDiagnostic(diagnostic).replace(` ${severity}:`, '');
  return notice(severity, code, text.replace(` [${code}]`, ''));
}

function notice(severity: 'error' | 'warning' | 'note', code: string, message: string): LogRecord {
  return { kind: 'notice', at: Date.now(), severity, code, message };
}
