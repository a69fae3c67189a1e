// The only door of this package.
export { findApache } from './apache/apache.ts';
export { openApacheComparison, type VerifyApacheOptions, verifyApache } from './apache/verify.ts';
export type { Announcement, Aspect } from './compare.ts';
export type { Comparison, Difference, TellProgress, Verified } from './comparison.ts';
export { findProgram, takesConnections, until } from './daemon.ts';
export type { OldConfig, OldServer, Oracle, OracleProblem, OracleStart, TakenOut } from './oracle.ts';
export type { Entrance, Fields, Outcome, Probe, Reached, Side } from './probe.ts';
export { probeText } from './probe.ts';
export { type ProbeOptions, probesFor } from './probes.ts';
export { verifiedJson, verifiedText } from './report.ts';
export { findSquid } from './squid/squid.ts';
export { openSquidComparison, type VerifySquidOptions, verifySquid } from './squid/verify.ts';
export type { VerifyFailure, VerifyOptions, VerifyProblem } from './verify.ts';
