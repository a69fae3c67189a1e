// The only door of this package.
export { CODES, type ImportCode } from './codes.ts';
export { DISPOSITIONS, type Disposition, type LedgerEntry, type Remark } from './ledger.ts';
export { type ReportDocument, reportDocument, reportJson } from './report/json.ts';
export { reportText } from './report/text.ts';
export { diskReader, memoryReader, type Reader, type ReadResult, type ShownFile, type SourceFile } from './source.ts';
export type { LetThrough } from './squid/letthrough.ts';
export type { Change, KeptPattern, Tightening, TightRoute } from './squid/tighten.ts';
export {
  EXIT_CODES,
  type ImportOptions,
  importSquid,
  type Outcome,
  type Summary,
  type Translation,
} from './translate.ts';
