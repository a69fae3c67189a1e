// Room: rows of probes.tsv, what a case of Apache asks. Columns behind the client are fields, `Name: value`, or `body=BYTES`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fields } from '../message.ts';

export type ProbeLine = {
  row: string;
  method: string;
  target: string;
  host: string;
  client: string;
  columns: string[];
  fields: Fields;
  body?: number;
};

export function readProbes(folder: string): ProbeLine[] {
  const rows = readFileSync(join(folder, 'probes.tsv'), 'latin1').split('\n');
  return rows.filter((row) => row !== '' && !row.startsWith('#')).map(probeLine);
}

function probeLine(row: string): ProbeLine {
  const [method = '', target = '', host = '', client = '', ...columns] = row.split('\t');
  const fields = columns.flatMap((column) => {
    const [, name, value = ''] = /^([A-Z][\w-]*): (.*)$/.exec(column) ?? [];
    return name === undefined ? [] : [[name, value] as Fields[number]];
  });
  const body = columns.map((column) => /^body=(\d+)$/.exec(column)?.[1]).find((each) => each !== undefined);
  return { row, method, target, host, client, columns, fields, ...(body !== undefined && { body: Number(body) }) };
}
