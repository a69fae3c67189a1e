// Room: what is told about traffic: one record per request and per channel end, one per failed handshake, and one line of text
// for each. No secrets: no field of a head is told but Host, and of a query only the server and port of a channel.
import { type Decision, formatPlace } from '@outrigger/rules';
import { channelOf } from './channel.ts';
import type { Ending } from './relay.ts';

/** One request that was read whole, told when its exchange has ended. */
export type RequestRecord = {
  kind: 'request';
  /** When its head was complete, milliseconds since 1970, and how long the exchange took. */
  at: number;
  milliseconds: number;
  /** `ADDRESS:PORT`, or the address alone where a trusted proxy named it. */
  client: string;
  /** `ADDRESS:PORT` of the trusted proxy that named the client. */
  via?: string | undefined;
  listener: string;
  method: string;
  /** As routed; empty where the request names none. */
  host: string;
  /** Path; a query is `?` alone unless it names a channel. */
  target: string;
  version: '1.0' | '1.1' | '2';
  /** Of the response the client got; absent where it got none, as on a channel IN. */
  status?: number | undefined;
  upstream?: string | undefined;
  server?: string | undefined;
  upstreamVersion?: '1.0' | '1.1' | undefined;
  /** Bytes of bodies, towards the server and towards the client. */
  bytesUp: number;
  bytesDown: number;
  ending: Ending;
  /** `SERVER:PORT` of MS-RPCH. */
  channel?: string | undefined;
  /** Place of the rule that denied or routed: the line it was imported from, else its line in the rules file. */
  rule?: string | undefined;
  /** What went wrong or is missing, and what to do about it. */
  code?: string | undefined;
  message?: string | undefined;
};

/** A TLS connection that passed through unread, told when it has ended. Bytes are TLS's own. */
export type PassThroughRecord = {
  kind: 'passThrough';
  at: number;
  milliseconds: number;
  /** `ADDRESS:PORT`. */
  client: string;
  listener: string;
  /** Asked for in SNI; empty where none was. */
  serverName: string;
  upstream: string;
  server?: string;
  bytesUp: number;
  bytesDown: number;
  ending: Ending;
  code?: string;
  message?: string;
};

/** Something that is not one request: a handshake that failed, bytes that were no head, a login left unfinished, a warning. */
export type NoticeRecord = {
  kind: 'notice';
  at: number;
  severity: 'error' | 'warning' | 'note';
  /** `ADDRESS:PORT`, where a client is concerned. */
  client?: string;
  listener?: string;
  code: string;
  message: string;
};

export type LogRecord = RequestRecord | PassThroughRecord | NoticeRecord;

/** The target as it may be logged. Queries carry tokens and names; a channel's server and port is what an administrator needs. */
export function loggedTarget(target: string): string {
  const query = target.indexOf('?');
  if (query === -1) return target;
  const channel = channelOf(target);
  return `${target.slice(0, query)}?${channel ?? ''}`;
}

/** `FILE:LINE` of the rule that decided. */
export function decidingPlace(decision: Decision): string | undefined {
  const rule = decision.access === 'deny' ? decision.accessLine : decision.route;
  const place = rule?.from?.[0] ?? rule?.at;
  return place === undefined ? undefined : formatPlace(place);
}

/** How loud a record is: `error` and `warn` want somebody's attention, `info` is traffic as usual, refusals included. */
export function recordLevel(record: LogRecord): 'error' | 'warn' | 'info' {
  if (record.kind === 'notice') return NOTICE_LEVELS[record.severity];
  if (record.kind === 'passThrough') return record.code === undefined ? 'info' : 'warn';
  // Whoever ended a channel that lacks a step: somebody's Outlook does not connect.
  if (record.code?.startsWith('CHANNEL_')) return 'warn';
  const ours = record.ending.by !== 'client' && (record.status ?? 502) >= 500;
  return record.code !== undefined && ours ? 'warn' : 'info';
}

const NOTICE_LEVELS = { error: 'error', warning: 'warn', note: 'info' } as const;

/** One line, fields in a fixed order, `-` for what is not known. Times are the printer's to add. */
export function recordText(record: LogRecord): string {
  switch (record.kind) {
    case 'request':
      return requestLine(record);
    case 'passThrough':
      return passThroughLine(record);
    case 'notice':
      return noticeLine(record);
  }
}

function requestLine(record: RequestRecord): string {
  const { ending } = record;
  const upstream = record.upstream === undefined ? '-' : `${record.upstream} ${record.server ?? '-'}`;
  const answeredIn = record.upstreamVersion === undefined ? '-' : `HTTP/${record.upstreamVersion}`;
  const end = ending.how === 'complete' ? 'complete' : `${ending.how}/${ending.by}`;
  let line =
    `${record.client} ${record.listener} ${record.method} ${record.host || '-'} ${record.target} ` +
    `HTTP/${record.version} ${record.status ?? '-'} -> ${upstream} ${answeredIn} ` +
    `up=${record.bytesUp} down=${record.bytesDown} ms=${record.milliseconds} end=${end}`;
  if (record.via !== undefined) line += ` via=${record.via}`;
  if (record.channel !== undefined) line += ` channel=${record.channel}`;
  if (record.rule !== undefined) line += ` rule=${record.rule}`;
  if (record.message !== undefined) line += ` ${record.message}`;
  if (record.code !== undefined) line += ` [${record.code}]`;
  return line;
}

function passThroughLine(record: PassThroughRecord): string {
  const { ending } = record;
  const words = [
    record.client,
    record.listener,
    `TLS ${record.serverName || '-'} unread`,
    `-> ${record.upstream} ${record.server ?? '-'}`,
    `up=${record.bytesUp}`,
    `down=${record.bytesDown}`,
    `ms=${record.milliseconds}`,
    `end=${ending.how}/${ending.by}`,
  ];
  if (record.message !== undefined) words.push(record.message);
  if (record.code !== undefined) words.push(`[${record.code}]`);
  return words.join(' ');
}

function noticeLine({ client, listener, severity, message, code }: NoticeRecord): string {
  const who = [client, listener].filter((word) => word !== undefined);
  return [...who, `${severity}:`, message, `[${code}]`].join(' ');
}
