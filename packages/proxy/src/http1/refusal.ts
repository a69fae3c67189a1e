// Room: what it means that a head was refused: a code for machines, a status to answer with, a sentence for a log.

/** Why a head was refused. Closed: each has a case in fixtures/http1 or in head.test.ts. */
export type HeadCode =
  | 'NOT_HTTP'
  | 'REQUEST_LINE'
  | 'REQUEST_LINE_TOO_LONG'
  | 'STATUS_LINE'
  | 'TARGET'
  | 'CONNECT'
  | 'VERSION'
  | 'EMPTY_LINES'
  | 'BARE_CR'
  | 'BARE_LF'
  | 'CONTROL_BYTE'
  | 'OBS_FOLD'
  | 'FIELD_NAME'
  | 'TOO_MANY_FIELDS'
  | 'HEAD_TOO_LARGE';

/** The status to answer with: of the client's making for a request head, 502 for every bad response head. */
export type HeadStatus = 400 | 414 | 431 | 501 | 502 | 505;

/** A refusal. The message is one sentence for a log and never quotes a field value, which may be a secret. */
export type BadHead = { kind: 'bad'; code: HeadCode; status: HeadStatus; message: string };

/** A refusal from its parts, in the order one says them. */
export function bad(status: HeadStatus, code: HeadCode, message: string): BadHead {
  return { kind: 'bad', code, status, message };
}

/** Tells a refusal from a line that was read, which has no `kind`. */
export function isBad<Line extends object>(outcome: Line | BadHead): outcome is BadHead {
  return 'kind' in outcome;
}
