// The only door of this package.
export { type LogRecord, logLine, type NoticeRecord, type RequestRecord } from './accesslog.ts';
export { type Edge, type EdgeOptions, startEdge } from './edge.ts';
export type { ReadFile } from './pem.ts';
export type { StartCode, StartError, StartProblem } from './start.ts';
