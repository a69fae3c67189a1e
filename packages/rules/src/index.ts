// The only door of this package.
export { type Diagnostic, formatDiagnostic, formatPlace, type Severity, type SourceRef } from './diagnostic.ts';
export * from './schema.ts';
