// Room: where the running proxy's records go: winston, one line a record, to the journal or a pipe.
import { createLogger, format, type Logger, transports } from 'winston';

export type LogFormat = 'text' | 'json';

/**
 * A logger whose lines go to stdout, warnings and errors to stderr, as service managers expect. Text lines carry no
 * colour: they are read by grep as often as by people.
 */
export function createLog(form: LogFormat): Logger {
  const text = format.printf(({ timestamp, level, message }) => `${String(timestamp)} ${level} ${String(message)}`);
  const line =
    form === 'json' ? format.json() : format.combine(format((info) => ({ ...info, record: undefined }))(), text);
  return createLogger({
    format: format.combine(format.timestamp(), line),
    transports: [new transports.Console({ stderrLevels: ['error', 'warn'] })],
  });
}
