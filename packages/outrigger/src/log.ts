// Room: where the running proxy's records go: winston, one line a record, to the journal or a pipe.
import { createLogger, format, type Logger, transports } from 'winston';
import { lineBuffer } from './lines.ts';

export type LogFormat = 'text' | 'json';

/** Where winston leaves the finished line of a record (winston's README, "Formats"). */
const LINE = Symbol.for('message');

/**
 * A logger whose lines go to stdout, warnings and errors to stderr, as service managers expect. Text lines carry no
 * colour: they are read by grep as often as by people. What goes to stdout is written some milliseconds later, many lines
 * at a time; a warning is written at once, behind the lines before it.
 */
export function createLog(form: LogFormat): Logger {
  const time = clock();
  const text = format.printf(({ level, message }) => `${time()} ${level} ${String(message)}`);
  const usual = lineBuffer((lines) => void process.stdout.write(lines));
  process.once('exit', usual.flush);
  return createLogger({
    format: form === 'json' ? format.combine(format.timestamp(), format.json()) : text,
    transports: [
      new transports.Console({
        log(info: { level: string; [LINE]: string }, next) {
          if (info.level === 'info') {
            usual.put(info[LINE]);
          } else {
            usual.flush();
            process.stderr.write(`${info[LINE]}\n`);
          }
          next();
        },
      }),
    ],
  });
}

/** The time now, as ISO 8601. Kept while it lasts: under load many lines share a millisecond, and printing it costs as much as a line. */
function clock(): () => string {
  let printed = Number.NaN;
  let text = '';
  return () => {
    const now = Date.now();
    if (now !== printed) {
      printed = now;
      text = new Date(now).toISOString();
    }
    return text;
  };
}
