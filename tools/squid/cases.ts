// Room: a golden case of Squid as files: its config, the requests to ask about, and what a real Squid did, read and printed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What stands in a case's folder besides the config and the files it reads. */
export const OUTPUTS: readonly string[] = [
  'outrigger.yaml',
  'report.txt',
  'verdicts.tsv',
  'heads.tsv',
  'refused.txt',
  'squid-version',
];

/** One row of verdicts.tsv. `columns`: what follows the verdict, as written. */
export type Probe = {
  method: string;
  target: string;
  /** Value of Host; undefined for a request of HTTP/1.0 without one. */
  host: string | undefined;
  verdict: string;
  columns: string[];
};

export type SquidCase = {
  name: string;
  folder: string;
  /** Every file the config may read, by its name in the folder; latin1. */
  files: ReadonlyMap<string, string>;
  /** Lines above the rows: where the verdicts come from, and what a reader should know. */
  comments: string[];
  probes: Probe[];
  /** Why no installed Squid can be asked; undefined where one can. */
  notRun?: string;
};

const NOT_RUN = /^# Not run: (.*)$/;

export function readCase(folder: string, name: string): SquidCase {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !OUTPUTS.includes(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  const files = new Map(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, 'latin1')]));
  const lines = linesOf(join(folder, 'verdicts.tsv'));
  const comments = lines.filter((line) => line.startsWith('#'));
  const notRun = comments.map((line) => NOT_RUN.exec(line)?.[1]).find((reason) => reason !== undefined);
  const probes = lines.filter((line) => !line.startsWith('#')).map(readProbe);
  return { name, folder, files, comments, probes, ...(notRun !== undefined && { notRun }) };
}

/** Squid's own words where it does not start, from refused.txt; empty where it does. */
export function readRefusal(folder: string): string[] {
  return linesOf(join(folder, 'refused.txt')).filter((line) => !line.startsWith('#'));
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return []; // a case that Squid refuses, or one nobody has asked yet
  }
}

function readProbe(line: string): Probe {
  const [method = '', target = '', host = '', verdict = '', ...columns] = line.split('\t');
  return { method, target, host: host === '(none)' ? undefined : host, verdict, columns };
}

/** `name=value` among the columns of a probe. */
export function option({ columns }: Probe, name: string): string | undefined {
  return columns.find((column) => column.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** The fields a probe sends besides Host: columns written `Name: value`. */
export function fieldsOf({ columns }: Probe): [name: string, value: string][] {
  return columns.flatMap((column) => {
    const match = /^([A-Z][\w-]*): (.*)$/.exec(column);
    return match === null ? [] : [[match[1] ?? '', match[2] ?? ''] as [string, string]];
  });
}

const COLUMNS =
  '# method\ttarget\tHost, or (none)\tupstream, or: denied, reset, none, bad request\tlistener=, client=, tls=, or a field';

/** verdicts.tsv as text. `seen`: the sentence that says which daemon was asked, and when. */
export function printVerdicts({ comments, probes }: Pick<SquidCase, 'comments' | 'probes'>, seen: string): string {
  const kept = comments.filter((line) => !/^# (?:Seen on|Worked out|method\t)/.test(line));
  const rows = probes.map(({ method, target, host, verdict, columns }) =>
    [method, target, host ?? '(none)', verdict, ...columns].join('\t'),
  );
  return [`# ${seen}`, ...kept, COLUMNS, ...rows, ''].join('\n');
}
