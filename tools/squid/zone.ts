// Room: a clock that stands where a test wants it: a time zone for one process, as far from UTC as it takes. A zone written out in TZ
// itself reaches no further than a day; a file of one reaches any day of the week (RFC 9636 3).

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const [MINUTE, DAY, WEEK] = [60, 86_400, 604_800];
/** Seconds into the minute asked for at which a clock starts: an answer takes less than what is left. */
const INTO_THE_MINUTE = 5;
/** Of a TZif file: its first bytes with the version, and what stands between those and its six counts. */
const [MAGIC, RESERVED] = ['TZif\0', 15];
const NAME = 'OUT\0';

/** A file for TZ by which it is now `when` (`mon 09:30`). Throws where that is no such moment. */
export function zoneWhere(when: string, now = new Date()): Buffer {
  const [, name = '', hour, minute] = /^([a-z]{3}) (\d\d):(\d\d)$/.exec(when) ?? [];
  const day = DAYS.indexOf(name);
  if (day === -1) throw new Error(`not a day and a time: ${when}`);
  const wanted = day * DAY + (Number(hour) * 60 + Number(minute)) * MINUTE + INTO_THE_MINUTE;
  const [days, seconds] = [now.getUTCDay(), Math.floor(now.getTime() / 1000) % DAY];
  const offset = (wanted - days * DAY - seconds + WEEK) % WEEK;
  const head = Buffer.alloc(MAGIC.length + RESERVED);
  head.write(MAGIC, 'latin1');
  // No leap seconds and no transitions: one type of local time, and the bytes of its name.
  const body = Buffer.alloc(30);
  [0, 0, 0, 0, 1, NAME.length].forEach((count, index) => {
    body.writeInt32BE(count, index * 4);
  });
  body.writeInt32BE(offset, 24);
  return Buffer.concat([head, body, Buffer.from(NAME)]);
}
