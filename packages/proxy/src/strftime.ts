// Room: times as logs write them: the letters of strftime that formats use, in English and the local zone (POSIX date, locale C).

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

const LETTERS: Readonly<Record<string, (time: Date) => string>> = {
  a: (time) => (DAYS[time.getDay()] ?? '').slice(0, 3),
  A: (time) => DAYS[time.getDay()] ?? '',
  b: (time) => (MONTHS[time.getMonth()] ?? '').slice(0, 3),
  B: (time) => MONTHS[time.getMonth()] ?? '',
  d: (time) => two(time.getDate()),
  e: (time) => String(time.getDate()).padStart(2),
  H: (time) => two(time.getHours()),
  I: (time) => two(time.getHours() % 12 || 12),
  j: (time) => String(dayOfYear(time)).padStart(3, '0'),
  m: (time) => two(time.getMonth() + 1),
  M: (time) => two(time.getMinutes()),
  p: (time) => (time.getHours() < 12 ? 'AM' : 'PM'),
  S: (time) => two(time.getSeconds()),
  T: (time) => `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`,
  y: (time) => two(time.getFullYear() % 100),
  Y: (time) => String(time.getFullYear()),
  z: zone,
  F: (time) => `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`,
  D: (time) => `${two(time.getMonth() + 1)}/${two(time.getDate())}/${two(time.getFullYear() % 100)}`,
  '%': () => '%',
};

/** The last second printed by each format: under load many lines share it. Few formats are ever in use. */
const printed = new Map<string, { second: number; text: string }>();

/** `at`: milliseconds since 1970. A letter that is not known stays as it is. */
export function strftime(format: string, at: number): string {
  const second = Math.floor(at / 1_000);
  const last = printed.get(format);
  if (last?.second === second) return last.text;
  const time = new Date(second * 1_000);
  const text = format.replace(/%([A-Za-z%])/g, (written, letter: string) => LETTERS[letter]?.(time) ?? written);
  printed.set(format, { second, text });
  return text;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

/** `+0100`: east of Greenwich is plus. */
function zone(time: Date): string {
  const east = -time.getTimezoneOffset();
  const minutes = Math.abs(east);
  return `${east < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`;
}

function dayOfYear(time: Date): number {
  const [year, month, day] = [time.getFullYear(), time.getMonth(), time.getDate()];
  return Math.round((Date.UTC(year, month, day) - Date.UTC(year, 0, 0)) / 86_400_000);
}
