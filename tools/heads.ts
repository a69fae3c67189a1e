// Room: heads.tsv of a golden case: which values some fields had in the request that reached a server and in the answer that came
// back, as the installed Squid or Apache wrote them. Which fields a case is about stands in its first lines: `# Watched: > X-A, < Server`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fields } from './message.ts';

/** A request of a case; `columns`: what else it says, as it stands in the row. */
type Probe = { method: string; target: string; host: string | undefined; columns: readonly string[] };

/** What went on and what came back for one probe; `sent` is undefined where no server was asked. */
export type Heads = { sent?: Fields; answered?: { status: number; fields: Fields; body?: Buffer } };

/** `>` towards the server, `<` towards the client. */
export type Watched = { direction: '>' | '<'; name: string };

/** One row: the values of one field, `|` between lines of one name, `(none)` for no line. `ours`: where Outrigger differs, as announced. */
export type HeadRow = { request: string; watched: Watched; values: string; ours?: string };

export type HeadRecord = { comments: string[]; watched: Watched[]; rows: HeadRow[] };

const NONE = '(none)';

/** The record of a case; undefined where it is about no field. */
export function readHeads(folder: string): HeadRecord | undefined {
  let lines: string[];
  try {
    lines = readFileSync(join(folder, 'heads.tsv'), 'latin1').split('\n');
  } catch {
    return undefined; // most cases are about something else
  }
  const comments = lines.filter((line) => line.startsWith('#'));
  const list = comments.map((line) => /^# Watched: (.*)$/.exec(line)?.[1]).find((found) => found !== undefined) ?? '';
  const rows = lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line): HeadRow => {
      const [request = '', field = '', values = '', ours] = line.split('\t');
      return { request, watched: watchedOf(field), values, ...(ours !== undefined && { ours }) };
    });
  return { comments, watched: list.split(',').map((field) => watchedOf(field.trim())), rows };
}

/** The rows that a probe gives. The status of the answer is watched as a field called `status`, its body as one called `body`. */
export function headRows(probe: Probe, { sent, answered }: Heads, watched: readonly Watched[]): HeadRow[] {
  const request = [probe.method, probe.target, probe.host ?? NONE, ...probe.columns].join(' ');
  return watched.map((each) => {
    const fields = each.direction === '>' ? sent : answered?.fields;
    if (each.name === 'status') return { request, watched: each, values: String(answered?.status ?? NONE) };
    if (each.name === 'body') return { request, watched: each, values: bodyText(answered?.body) };
    const values = (fields ?? []).filter(([name]) => name.toLowerCase() === each.name.toLowerCase());
    return { request, watched: each, values: values.map(([, value]) => value).join(' | ') || NONE };
  });
}

/** When a page was made is no part of it. */
const DATES: readonly (readonly [RegExp, string])[] = [
  [/\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/g, 'DATE'],
  [/\b\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}/g, 'TIME'],
];

/** A body on one line, in quotes, its bytes as latin1. */
function bodyText(body: Buffer | undefined): string {
  if (body === undefined) return NONE;
  const text = DATES.reduce((masked, [date, name]) => masked.replace(date, name), body.toString('latin1'));
  return JSON.stringify(text);
}

/** heads.tsv as text. What is said of Outrigger in `before` stays with its row. */
export function printHeads(before: HeadRecord, rows: readonly HeadRow[], seen: string): string {
  const comments = before.comments.filter((line) => !line.startsWith('# Seen on') && !line.startsWith('# request\t'));
  const printed = rows.map((row) => {
    const ours = before.rows.find((each) => keyOf(each) === keyOf(row))?.ours;
    return [row.request, `${row.watched.direction} ${row.watched.name}`, row.values, ...(ours ? [ours] : [])].join(
      '\t',
    );
  });
  return [`# ${seen}`, ...comments, '# request\tfield\tvalues\tours=, where Outrigger differs', ...printed, ''].join(
    '\n',
  );
}

export function keyOf({ request, watched }: HeadRow): string {
  return `${request} ${watched.direction} ${watched.name}`;
}

function watchedOf(text: string): Watched {
  return { direction: text.startsWith('<') ? '<' : '>', name: text.slice(2) };
}

/** Status and fields of an answer's head, line ends and all. */
export function headOf(head: string): { status: number; fields: Fields } {
  const [first = '', ...lines] = head.split('\r\n');
  const fields = lines
    .filter((line) => line.includes(':'))
    .map((line): Fields[number] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
  return { status: Number(/^HTTP\/1\.\d (\d+)/.exec(first)?.[1] ?? 0), fields };
}
