// Room: the cut-over from a Squid that holds the port: nothing in its files changes; it ends, and Outrigger takes its addresses. Pure.
import { listenerName, parseListenAddress, type RuleSet } from '@outrigger/rules';
import type { CutoverNote } from '../apache/cutover/cutover.ts';
import { readSquid, type SquidFiles } from '../translate.ts';

/** Addresses of Squid that the rules take. */
export type SquidCutover =
  | { kind: 'plan'; doors: { taken: string; isTls: boolean }[]; notes: CutoverNote[] }
  | { kind: 'failed'; note: CutoverNote };

/** Which addresses change hands. Never throws on input. `failed`: Squid has an address that would be lost with it. */
export function planSquid({ rules, ...files }: SquidFiles & { rules: RuleSet }): SquidCutover {
  const { model, ledger } = readSquid(files);
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
  return { kind: 'plan', doors, notes };
}
