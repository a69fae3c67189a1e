// The only door of this package.
export { type FileChange, unifiedDiff } from './apache/cutover/change.ts';
export {
  type CutoverNote,
  type CutoverOptions,
  type CutoverPlan,
  type CutoverResult,
  planApache,
} from './apache/cutover/cutover.ts';
export type { AccessLog, Site } from './apache/cutover/sites.ts';
export {
  APACHE_DIFFERENCES,
  type ApacheDifference,
  type ApacheDifferenceCode,
  type ApacheSign,
  isConcerned,
} from './apache/differences.ts';
export { isProvided, knownDirective } from './apache/directives.ts';
export { type ApacheOptions, importApache } from './apache/import.ts';
export { apacheLineDifferences } from './apache/linedifferences.ts';
export { type ApachePlace, DEFAULT_PLACE, parsePlace } from './apache/place.ts';
export { type ApacheModel, readApache } from './apache/read.ts';
export { everyNode } from './apache/settings.ts';
export { takenPrefix, writtenTargets } from './apache/spellings.ts';
export { parseTarget } from './apache/target.ts';
export type { ConfigNode, Directive, Section } from './apache/tree.ts';
export { CODES, type ImportCode } from './codes.ts';
export type { Change, KeptPattern, LetThrough, Tightening, TightRoute } from './judgement.ts';
export { DISPOSITIONS, type Disposition, type LedgerEntry, type Remark } from './ledger.ts';
export { type Redactor, redactData } from './redact.ts';
export { type PortEighty, type RenewalAdvice, renewalAdvice } from './renewal/advice.ts';
export { type ChallengeMethod, type Renewal, readRenewals } from './renewal/renewals.ts';
export { reportHtml } from './report/html.ts';
export { type ReportDocument, reportDocument, reportJson } from './report/json.ts';
export { reportText } from './report/text.ts';
export {
  diskReader,
  isGlob,
  memoryReader,
  pathBeside,
  type Reader,
  type ReadResult,
  type ShownFile,
  type SourceFile,
} from './source.ts';
export type { Acl, AclValue } from './squid/acl.ts';
export { bytesOf } from './squid/bytes.ts';
export { planSquid, type SquidCutover } from './squid/cutover.ts';
export {
  type AnnouncedDifference,
  type AskedRequest,
  announcedDifferences,
  type DifferenceCode,
  type LineDifference,
  lineDifferences,
  type Sign,
} from './squid/differences.ts';
export { type Ere, parseEre } from './squid/ere.ts';
export { type LogicalLine, logicalLines, type Word, wordsOf } from './squid/lines.ts';
export type { Model } from './squid/model.ts';
export { importTmg, type TmgOptions } from './tmg/import.ts';
export { type ImportOptions, importSquid, readSquid, type SquidFiles } from './translate.ts';
export { EXIT_CODES, type Outcome, type Summary, type Translation } from './translation.ts';
