// Room: the moment of a request as rules see it: a day of the week and a minute, by the clock on the wall. Whoever has a request
// says when it is; nothing in the rules looks at a clock.

/** In the order of Date.getDay(). */
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** `minute` counts from midnight, 0 to 1439; on the day the clock is put back some come twice. */
export type LocalTime = { day: Weekday; minute: number };

const MINUTES_A_DAY = 1440;
/** `09:00` or `9:00`, to `24:00`: the end of a day can be named, too. */
export const TIME_OF_DAY = /^(?:(?:[01]?\d|2[0-3]):[0-5]\d|24:00)$/;

/** A moment in the time zone of this process (TZ, else the one of the system). */
export function localTimeOf(at: Date): LocalTime {
  return { day: WEEKDAYS[at.getDay()] ?? 'sun', minute: at.getHours() * 60 + at.getMinutes() };
}

/** Minutes from midnight, 0 to 1440, of a text that TIME_OF_DAY holds for. */
export function minuteOf(timeOfDay: string): number {
  const [hour = 0, minute = 0] = timeOfDay.split(':').map(Number);
  return hour * 60 + minute;
}

/** `mon 09:30`; undefined where `text` is something else. */
export function parseLocalTime(text: string): LocalTime | undefined {
  const [name = '', timeOfDay = '', ...more] = text.trim().toLowerCase().split(/\s+/);
  const day = WEEKDAYS.find((each) => each === name);
  if (day === undefined || !TIME_OF_DAY.test(timeOfDay) || more.length > 0) return undefined;
  const minute = minuteOf(timeOfDay);
  return minute < MINUTES_A_DAY ? { day, minute } : undefined;
}

/** As parseLocalTime() reads it. */
export function formatLocalTime({ day, minute }: LocalTime): string {
  return `${day} ${formatMinute(minute)}`;
}

/** `09:30` of minutes from midnight. */
export function formatMinute(minute: number): string {
  return [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, '0')).join(':');
}
