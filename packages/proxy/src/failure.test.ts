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
  ['EMFILE', 503, 'ours', 'OUT_OF_DESCRIPTORS'],
  ['EWHATEVER', 502, 'upstream', 'UPSTREAM_TROUBLE'],
])('%s is a %i of the %s: %s, with place, cause and remedy', (code, status, whose, expected) => {
  const failure = upstreamFailure(Object.assign(new Error(), { code }), place);
  expect(failure).toMatchObject({ status, whose, code: expected });
  expect(failure.message.startsWith(`${place} `)).toBe(true);
  expect(failure.message).toMatch(new RegExp(`\\(${code}\\)\\. [A-Z].*[.?]$`));
});

it('knows why a handshake failed, and admits where it does not', () => {
  expect(handshakeFinding(Object.assign(new Error(), { code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' })).code).toBe(
    'TLS_CERTIFICATE_REFUSED',
  );
  expect(handshakeFinding(new Error('odd')).message).toMatch(/\(odd\)/);
});
