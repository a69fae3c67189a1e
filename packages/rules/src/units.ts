// Room: durations and sizes as people write them in a rules file, and back.

const MILLISECONDS_PER_UNIT = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const BYTES_PER_UNIT = { B: 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 } as const;

export const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/;
export const SIZE = /^(\d{1,9})(B|KiB|MiB|GiB)$/;

/** `90s` to 90 000 milliseconds; undefined for anything that is not a whole number with a unit of ms, s, m, h or d. */
export function parseDuration(text: string): number | undefined {
  return parseUnit(text, DURATION, MILLISECONDS_PER_UNIT);
}

/** `128KiB` to 131 072 bytes; undefined for anything that is not a whole number with a unit of B, KiB, MiB or GiB. */
export function parseSize(text: string): number | undefined {
  return parseUnit(text, SIZE, BYTES_PER_UNIT);
}

/** Milliseconds in the largest unit that divides them: 3 900 000 is `65m`. */
export function formatDuration(milliseconds: number): string {
  return formatUnit(milliseconds, MILLISECONDS_PER_UNIT);
}

/** Bytes in the largest unit that divides them: 131 072 is `128KiB`. */
export function formatSize(bytes: number): string {
  return formatUnit(bytes, BYTES_PER_UNIT);
}

function parseUnit(text: string, shape: RegExp, units: Record<string, number>): number | undefined {
  const match = shape.exec(text);
  if (match === null) return undefined;
  const factor = units[match[2] ?? ''];
  return factor === undefined ? undefined : Number(match[1]) * factor;
}

function formatUnit(value: number, units: Record<string, number>): string {
  const largestFirst = Object.entries(units).sort(([, a], [, b]) => b - a);
  const [name, factor] = largestFirst.find(([, size]) => value !== 0 && value % size === 0) ??
    largestFirst.at(-1) ?? ['', 1];
  return `${value / factor}${name}`;
}
