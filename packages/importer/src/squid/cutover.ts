// Room: the cut-over from a Squid that holds the port: nothing in its files changes; it ends, and Outrigger takes its addresses. Pure.
import { listenerName, parseListenAddress, type RuleSet } from '@outrigger/rules';
import type { CutoverNote } from '../apache/cutover/cutover.ts';
import { readSquid, type SquidFiles } from '../translate.ts';
import { readTime } from './settings.ts';

/** Addresses of Squid that the rules take. */
export type SquidCutover =
  | {
      kind: 'plan';
      doors: { taken: string; isTls: boolean }[];
      notes: CutoverNote[];
      /** Where Squid writes its pid; absent where it is told to write none. */
      pidFile?: string;
      /** Milliseconds that Squid gives its clients when it ends (shutdown_lifetime). It leaves its ports at once. */
      lifetime: number;
    }
  | { kind: 'failed'; note: CutoverNote };

/** What Squid takes where no line says otherwise: cf.data.pre, pid_filename as Debian (squid3 until 2017) and Red Hat build it, and shutdown_lifetime. */
const DEFAULT_PID_FILE = '/run/squid.pid';
const DEFAULT_PID_FILE_3 = '/var/run/squid3.pid';
const DEFAULT_LIFETIME = 30_000;

/** Which addresses change hands. Never throws on input. `failed`: Squid has an address that would be lost with it. */
export function planSquid({ rules, ...files }: SquidFiles & { rules: RuleSet }): SquidCutover {
  const { model, ledger, directives } = readSquid(files);
  const words = (name: string): string[] | undefined =>
    directives.findLast((each) => each.name === name)?.words.map(({ text }) => text);
  const fail = (message: string, at = { file: files.files[0] ?? '', line: 1, directive: '' }): SquidCutover => ({
    kind: 'failed',
    note: { severity: 'error', code: 'CUTOVER_BY_HAND', at, message },
  });
  const kept = ledger.entries.find(({ remarks }) => remarks.some(({ code }) => code === 'SQUID_PORT_FORWARD'));
  if (kept !== undefined)
    return fail(
      'Squid does more than stand in front of a server, and would end with it: take the other ports out and reload it',
      kept.at,
    );
  const taken = rules.listen.flatMap((listener) => {
    const at = parseListenAddress(listener.address);
    return at === undefined ? [] : [{ ...at, listener }];
  });
  const lost = model.ports.find(
    ({ host, port }) => !taken.some((each) => each.port === port && (each.host === undefined || each.host === host)),
  );
  if (lost !== undefined)
    return fail(`no listener of the rules takes ${lost.word}, which would be lost with Squid`, lost.directive.at);
  if (model.ports.length === 0) return fail('Squid has no port that Outrigger could take');
  const doors = taken
    .filter(({ port }) => model.ports.some((each) => each.port === port))
    .map(({ listener }) => ({ taken: listener.address, isTls: listener.tls !== undefined }));
  const more = taken.filter(({ port }) => !model.ports.some((each) => each.port === port));
  const notes = more.map(({ listener }): CutoverNote => {
    const message = `listener ${listenerName(listener)} is on a port that Squid never had`;
    return {
      severity: 'note',
      code: 'CUTOVER_NEW_PORT',
      at: { file: listener.address, line: 1, directive: '' },
      message,
    };
  });
  const isOld = files.files.some((file) => file.startsWith('/etc/squid3/'));
  const [pidFile = isOld ? DEFAULT_PID_FILE_3 : DEFAULT_PID_FILE] = words('pid_filename') ?? [];
  const lifetime = readTime(words('shutdown_lifetime') ?? []) ?? DEFAULT_LIFETIME;
  return { kind: 'plan', doors, notes, lifetime, ...(pidFile !== 'none' && { pidFile }) };
}
