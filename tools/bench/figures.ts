// Room: what the benchmark is told and what it tells: words of a command line, ApacheBench's report, /proc, and a table. Pure.

export type Contender = { name: string; pid: number; url: string };

/** One turn of one proxy: requests a second, and processor time for each of them, microseconds, user and system. */
export type Round = { perSecond: number; microseconds: number };

/** `NAME=PID@URL`; undefined for anything else. */
export function readContender(word: string): Contender | undefined {
  const [, name = '', pid, url = ''] = /^([^=]+)=(\d+)@(https?:\/\/.+)$/.exec(word) ?? [];
  return pid === undefined ? undefined : { name, pid: Number(pid), url };
}

/** What counts of ApacheBench's report; undefined where a request failed, was answered otherwise than 2xx, or none was made. */
export function readReport(report: string): { count: number; perSecond: number } | undefined {
  const figure = (label: string): number => Number(new RegExp(`^${label}:\\s+([\\d.]+)`, 'm').exec(report)?.[1] ?? 0);
  const count = figure('Complete requests');
  const spoilt = figure('Failed requests') + figure('Non-2xx responses');
  return count === 0 || spoilt > 0 ? undefined : { count, perSecond: figure('Requests per second') };
}

/** Clock ticks in user and system mode of a line of /proc/PID/stat (proc(5), fields 14 and 15). The name may hold anything. */
export function readTicks(stat: string): number {
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return Number(user) + Number(system);
}

/** The middle value; of an even number the higher of the two in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Lines of a table in Markdown; ratios are to the last row. */
export function table(rows: readonly ({ name: string } & Round)[]): string {
  const last = rows.at(-1);
  const lines = rows.map(({ name, perSecond, microseconds }) => {
    const ratio = last === undefined ? Number.NaN : perSecond / last.perSecond;
    return `| ${name} | ${Math.round(perSecond)} | ${ratio.toFixed(2)} | ${microseconds.toFixed(1)} |`;
  });
  return ['| proxy | requests/s | ratio | CPU µs/request |', '|---|---|---|---|', ...lines].join('\n');
}
