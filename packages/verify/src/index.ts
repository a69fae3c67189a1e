// The only door of this package.
export type { Aspect, Difference } from './compare.ts';
export type { OldConfig, OldServer, Oracle, OracleProblem, OracleStart, TakenOut } from './oracle.ts';
export type { Entrance, Fields, Outcome, Probe, Reached, Side } from './probe.ts';
export { probeText } from './probe.ts';
export { type ProbeOptions, probesFor } from './probes.ts';
export { verifiedJson, verifiedText } from './report.ts';
export { findSquid } from './squid/squid.ts';
export {
  type Comparison,
  openSquidComparison,
  type Verified,
  type VerifyProblem,
  type VerifyResult,
  type VerifySquidOptions,
  verifySquid,
} from './verify.ts';
