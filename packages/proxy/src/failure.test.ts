import { expect, it } from 'vitest';
import { upstreamFailure } from './failure.ts';
import { handshakeFinding } from './handshake.ts';

const place = 'exchange (https://10.1.1.14:443)';

it.each([
  ['ECONNREFUSED', 502, 'upstream', 'UPSTREAM_REFUSED'],
  ['EHOSTUNREACH', 502, 'upstream', 'UPSTREAM_UNREACHABLE'],
  ['ENOTFOUND', 502, 'upstream', 'UPSTREAM_NAME_UNKNOWN'],
  ['ETIMEDOUT', 504, 'upstream', 'UPSTREAM_CONNECT_TIMEOUT'],
  ['EPIPE', 502, 'upstream', 'UPSTREAM_RESET'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 502, 'upstream', 'UPSTREAM_CERT_SELF_SIGNED'],
  ['CERT_HAS_EXPIRED', 502, 'upstream', 'UPSTREAM_CERT_EXPIRED'],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 502, 'upstream', 'UPSTREAM_TLS'],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 502, 'upstream', 'UPSTREAM_CLIENT_CERTIFICATE'],
  ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', 502, 'upstream', 'UPSTREAM_CLIENT_CERTIFICATE'],
  ['ERR_SSL_TLSV1_UNRECOGNIZED_NAME', 502, 'upstream', 'UPSTREAM_NAME_REFUSED'],
  ['ERR_SSL_DATA_LENGTH_TOO_LONG', 502, 'upstream', 'UPSTREAM_NOT_TLS'],
  ['EMFILE', 503, 'ours', 'OUT_OF_DESCRIPTORS'],
  ['EWHATEVER', 502, 'upstream', 'UPSTREAM_TROUBLE'],
])('%s is a %i of the %s: %s, with place, cause and remedy', (code, status, whose, expected) => {
  const failure = upstreamFailure(Object.assign(new Error(), { code }), place);
  expect(failure).toMatchObject({ status, whose, code: expected });
  expect(failure.message.startsWith(`${place} `)).toBe(true);
  expect(failure.message).toMatch(new RegExp(`\\(${code}\\)\\. [A-Z].*[.?]$`));
});

/** As OpenSSL up to 3.4 and from 3.5 on spells an alert of SSL 3. */
const ALERT_SPELLINGS = ['ERR_SSL_SSLV3_ALERT_', 'ERR_SSL_SSL/TLS_ALERT_'];

it.each([
  ['ERR_SSL_HTTP_REQUEST', 'TLS_PLAIN_HTTP'],
  ['ERR_SSL_HTTPS_PROXY_REQUEST', 'TLS_PLAIN_HTTP'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'TLS_NOT_TLS'],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'TLS_NO_COMMON_VERSION'],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'TLS_NO_COMMON_VERSION'],
  ['ERR_SSL_NO_SHARED_CIPHER', 'TLS_NO_COMMON_CIPHER'],
  ['ERR_SSL_NO_SUITABLE_KEY_SHARE', 'TLS_NO_COMMON_CIPHER'],
  ['ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM', 'TLS_NO_COMMON_CIPHER'],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'TLS_CERTIFICATE_REFUSED'],
  ...ALERT_SPELLINGS.map((alert): [string, string] => [`${alert}CERTIFICATE_EXPIRED`, 'TLS_CERTIFICATE_REFUSED']),
  ...ALERT_SPELLINGS.map((alert): [string, string] => [`${alert}HANDSHAKE_FAILURE`, 'TLS_NO_COMMON_CIPHER']),
  ['ERR_TLS_HANDSHAKE_TIMEOUT', 'TLS_TIMEOUT'],
  ['ECONNRESET', 'TLS_LEFT'],
  ['ERR_SSL_ODD', 'TLS_FAILED'],
])('%s of a client is %s, with cause and remedy', (code, expected) => {
  const finding = handshakeFinding(Object.assign(new Error(), { code }));
  expect(finding.code).toBe(expected);
  expect(finding.message).toMatch(/\((?:ERR_|ECONN)[A-Z0-9_/]+\)\. [A-Z].*\.$/);
});

it('tells a handshake error without a code by its message', () => {
  expect(handshakeFinding(new Error('odd')).message).toMatch(/\(odd\)/);
});

/** What node can say of a server's certificate (X509_verify_cert_error_string, node's crypto_common). */
const VERIFICATION = `UNABLE_TO_GET_ISSUER_CERT UNABLE_TO_DECRYPT_CERT_SIGNATURE UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY
CERT_SIGNATURE_FAILURE CERT_NOT_YET_VALID CERT_HAS_EXPIRED ERROR_IN_CERT_NOT_BEFORE_FIELD ERROR_IN_CERT_NOT_AFTER_FIELD
DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_GET_ISSUER_CERT_LOCALLY UNABLE_TO_VERIFY_LEAF_SIGNATURE
CERT_CHAIN_TOO_LONG CERT_REVOKED INVALID_CA PATH_LENGTH_EXCEEDED INVALID_PURPOSE CERT_UNTRUSTED CERT_REJECTED
HOSTNAME_MISMATCH UNSPECIFIED ERR_TLS_CERT_ALTNAME_INVALID ERR_TLS_CERT_ALTNAME_FORMAT`.split(/\s+/);

it.each(VERIFICATION)('%s is told as trouble with the certificate of the server', (code) => {
  const failure = upstreamFailure(Object.assign(new Error(), { code }), place);
  expect(failure.code).toMatch(/^UPSTREAM_CERT_/);
});
