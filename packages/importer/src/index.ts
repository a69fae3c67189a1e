// The only door of this package.
export { CODES, type ImportCode } from './codes.ts';
export { DISPOSITIONS, type Disposition, type LedgerEntry, type Remark } from './ledger.ts';
export { reportJson, reportText } from './report.ts';
export { diskReader, memoryReader, type Reader, type ReadResult, type SourceFile } from './source.ts';
export type { Tightening } from './squid/letthrough.ts';
export { importSquid, type Outcome, type Summary, type Translation } from './translate.ts';
