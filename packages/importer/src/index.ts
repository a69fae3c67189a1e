// The only door of this package.
export { CODES, type ImportCode } from './codes.ts';
export { DISPOSITIONS, type Disposition, type LedgerEntry, type Remark } from './ledger.ts';
export { reportJson, reportText } from './report.ts';
export {
  diskReader,
  isGlob,
  memoryReader,
  pathBeside,
  type Reader,
  type ReadResult,
  type SourceFile,
} from './source.ts';
export type { Acl, AclValue } from './squid/acl.ts';
export { bytesOf } from './squid/bytes.ts';
export {
  type AnnouncedDifference,
  announcedDifferences,
  type DifferenceCode,
  type Sign,
} from './squid/differences.ts';
export { masked } from './squid/display.ts';
export { type Ere, parseEre } from './squid/ere.ts';
export type { Tightening } from './squid/letthrough.ts';
export { type LogicalLine, logicalLines, type Word, wordsOf } from './squid/lines.ts';
export type { Model } from './squid/model.ts';
export {
  importSquid,
  type Outcome,
  readSquid,
  type SquidFiles,
  type Summary,
  type Translation,
} from './translate.ts';
