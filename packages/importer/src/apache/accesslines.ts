// Room: who may ask for a path that moved, as access lines. Pure but for the remarks it leaves.
import type { AccessLine, Condition, SourceRef } from '@outrigger/rules';
import type { ImportCode } from '../codes.ts';
import { type Disposition, remark } from '../ledger.ts';
import type { SaidAccess } from './moveaccess.ts';
import type { Move } from './moves.ts';
import { isUnder } from './overlap.ts';
import type { Server, Servers } from './servers.ts';
import { inherited } from './settings.ts';
import type { ConfigNode } from './tree.ts';

/** RFC 9110 15.5.6. */
const METHOD_NOT_ALLOWED = 405;

/** How Apache answers who is kept out. */
const DENIED = 'forbidden' as const;

/** A path that is open to all needs no line, unless one for a path around it would keep somebody out. */
export function needsAccess({ access, prefix }: Move, all: readonly Move[]): boolean {
  if (access.some((each) => each.access.kind !== 'open')) return true;
  return all.some((other) => isUnder(prefix, other.prefix) && other.access.some((each) => each.access.kind !== 'open'));
}

/** Lines for one path: those that stay with Apache are let through to it first, and at the end somebody decides for all the rest. */
export function accessLines(move: Move, host: Condition): AccessLine[] {
  const { line, access, staying, sign } = move;
  const when = joined(host, move.when);
  const own =
    sign !== undefined && move.rewrite?.path === undefined ? at(when, move.prefix, true) : pathed(when, move.path);
  const said = access.flatMap((each) => {
    for (const node of each.access.lines) {
      remarkOnce(node, 'who may ask, on paths that moved, is in the access lines', 'APACHE_ACCESS');
    }
    const from = each.access.lines.map((node) => node.at);
    return each.below === undefined
      ? decidingLines(each.access, own, from)
      : linesBelow(each.access, when, each.below, from);
  });
  const isDecided = access.some(({ below }) => below === undefined);
  return [
    ...staying.map((each) => allow(joined(when, each.where), [each.line.at])),
    ...said,
    ...(isDecided ? [] : [allow(own, [line.at])]),
  ];
}

/** Who is not let in is kept out. */
function decidingLines(access: SaidAccess, where: Condition, from: SourceRef[]): AccessLine[] {
  if (access.kind === 'open') return [allow(where, from)];
  return [...(access.kind === 'some' ? [allow(joined(where, access.when), from)] : []), deny(where, from)];
}

/** The same for a path below, which Apache knows in one case: in another the client must be let in here and by what holds around. */
function linesBelow(access: SaidAccess, when: Condition, below: string, from: SourceRef[]): AccessLine[] {
  const [written, any] = [at(when, below, false), at(when, below, true)];
  if (access.kind === 'open') return [allow(written, from)];
  if (access.kind === 'closed') return [deny(any, from)];
  return [...decidingLines(access, written, from), deny(joined(any, { not: access.when }), from)];
}

function at(when: Condition, path: string, ignoreCase: boolean): Condition {
  return path === '/' ? when : { ...when, path: [{ prefix: path, ignoreCase }] };
}

/** A condition for paths as a route names them; for all where it names none. */
export function pathed(when: Condition, path: Move['path']): Condition {
  return path === undefined ? when : joined(when, { path });
}

/** TRACE, where Apache answers it 405 as `TraceEnable Off` of Debian's default tree has it (core.c): it shows a page its own cookies. */
export function traceLines(servers: Servers, server: Server, when: Condition): AccessLine[] {
  const line = inherited(servers, server, 'traceenable').at(-1);
  if (line?.words[0]?.text.toLowerCase() !== 'off') return [];
  const message = 'TRACE is answered 405 on hosts with paths that moved, too, before it is asked who may ask';
  if (!line.entry.remarks.some((each) => each.message === message))
    remark(line.entry, 'translated', 'APACHE_ACCESS', message, { concerns: { methods: ['TRACE'] } });
  const answer = { status: METHOD_NOT_ALLOWED };
  return [{ action: 'deny', when: joined(when, { methods: ['TRACE'] }), answer, from: [line.at] }];
}

/** A line that lets in. */
export function allow(when: Condition, from: SourceRef[]): AccessLine {
  return { action: 'allow', when, answer: DENIED, from };
}

function deny(when: Condition, from: SourceRef[]): AccessLine {
  return { action: 'deny', when, answer: DENIED, from };
}

/** Both conditions as one. */
export function joined(where: Condition, also: Condition): Condition {
  return Object.keys(also).some((key) => key in where) ? { all: [where, also] } : { ...where, ...also };
}

/** Remarks it once, however many paths it holds for. */
export function remarkOnce(
  { entry }: ConfigNode,
  message: string,
  code: ImportCode,
  disposition: Disposition = 'translated',
): void {
  if (!entry.remarks.some((each) => each.message === message)) remark(entry, disposition, code, message);
}
