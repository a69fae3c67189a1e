// The only door of this package.
export { type AddressRange, addressTest, parseAddress, parseAddressRange, plainAddress } from './address.ts';
export type { RulesCode } from './check.ts';
export {
  type Condition,
  describeTime,
  type HeaderCondition,
  type PathCondition,
  type TimeCondition,
  type UrlCondition,
} from './condition.ts';
export { connectionLimits } from './connections.ts';
export { DEFAULTS, TUNNEL_METHODS } from './defaults.ts';
export { type Denial, type DenialAnswer, denialAnswer, redirectError } from './denial.ts';
export { type Diagnostic, formatDiagnostic, formatPlace, type Severity, type SourceRef } from './diagnostic.ts';
export { dumpRules } from './dump.ts';
export {
  type FactsCode,
  type FactsHead,
  type FactsResult,
  type Fields,
  isAuthority,
  listenerName,
  type RequestFacts,
  requestFacts,
  urlOf,
} from './facts.ts';
export { fieldObstacle, type HeaderChange, type HeaderEdits, isFieldValue, stays } from './headers.ts';
export type { Health } from './health.ts';
export { canonicalHost } from './hostname.ts';
export { type Http2Obstacle, type Http2Offer, http2Offer } from './http2.ts';
export { type LoadResult, loadRules } from './load.ts';
export { formatLocalTime, formatMinute, type LocalTime, localTimeOf, parseLocalTime, WEEKDAYS } from './localtime.ts';
export {
  type AccessLog,
  isSecretField,
  LOG_FORMATS,
  logFormatError,
  logFormatParts,
  secretsOfFormat,
} from './logformat.ts';
export { conditionTest } from './match.ts';
export { compilePage, PAGE_MAX, PAGE_PLACES_MAX, PAGE_TYPE, type Page, type PageFor, type PageResult } from './page.ts';
export { compilePassThrough, type PassThroughChoice, passedThroughTo } from './passthrough.ts';
export { type Redirection, redirection } from './redirect.ts';
export { compileFinder, compileRegex, type Finder, type Regex, type RegexResult } from './regex.ts';
export { requestTemplateError } from './requestvalue.ts';
export { type CompiledRules, compileRules, type Decision, fallbackDecisions, type Refusal, route } from './route.ts';
export * from './schema.ts';
export { type ListenAddress, parseListenAddress, parseServer, type Server } from './server.ts';
export { type ServerNames, serverNames } from './servername.ts';
export { suggestion } from './suggest.ts';
export { asWireBytes, normalizedPath, pathAmbiguity, squidUnescape } from './target.ts';
export { literally, type Placeholder, padded, type TemplatePart } from './template.ts';
export { type Timeouts, timeoutsOf } from './timeouts.ts';
export { type CertificateChecks, type CertificateFiles, certificateChecks, SYSTEM_AUTHORITIES } from './tls.ts';
export { type ClientResult, clientOf, forwardedFor, forwardedProto, type TrustedProxies } from './trusted.ts';
export { formatDuration, formatSize, parseDuration, parseSize } from './units.ts';
export type { TlsVersion } from './values.ts';
