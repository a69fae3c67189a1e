// The only door of this package.
export {
  type LogRecord,
  type NoticeRecord,
  type PassThroughRecord,
  type RequestRecord,
  recordLevel,
  recordText,
} from './accesslog.ts';
export { type Affinity, affinityOf, rendezvousOrder } from './affinity.ts';
export { type Edge, type EdgeOptions, type ReloadResult, type StartResult, startEdge } from './edge.ts';
export { type ExtendedProtectionOptions, reportExtendedProtection } from './extendedprotection.ts';
export { checkFiles, type FileFinding } from './files.ts';
export { type AccessEntry, type Answered, compileLogLine, type LogLine } from './logline.ts';
export type { ReadFile } from './pem.ts';
export type { StartCode, StartProblem } from './start.ts';
