// Room: why a client's TLS handshake failed, as a line that says what to do. The table of client-side TLS errors.

/** Closed; each has its line in the README. */
export type HandshakeCode =
  | 'TLS_PLAIN_HTTP'
  | 'TLS_NO_COMMON_VERSION'
  | 'TLS_NO_COMMON_CIPHER'
  | 'TLS_NO_COMMON_PROTOCOL'
  | 'TLS_CERTIFICATE_REFUSED'
  | 'TLS_CLIENT_CERTIFICATE'
  | 'TLS_TIMEOUT'
  | 'TLS_LEFT'
  | 'TLS_FAILED';

type Row = readonly [code: HandshakeCode, finding: string, remedy: string];

const VERSION: Row = [
  'TLS_NO_COMMON_VERSION',
  'client and listener have no TLS version in common',
  'Old clients need tls.minVersion "1.0" on the listener, which weakens it for all.',
];
const REFUSED: Row = [
  'TLS_CERTIFICATE_REFUSED',
  'the client does not trust the certificate it was shown',
  'Compare its names with the one the client asked for, and send the whole chain in the cert file.',
];
const LEFT: Row = [
  'TLS_LEFT',
  'the client left during the handshake',
  'Nothing to do where it is a port check; a client that does so each time refuses the certificate without saying so.',
];

/** Codes as node and OpenSSL spell them. */
const ROWS: Readonly<Record<string, Row>> = {
  ERR_SSL_HTTP_REQUEST: [
    'TLS_PLAIN_HTTP',
    'the client spoke plain HTTP to a TLS port',
    'Write https in its address, or give plain HTTP a listener without tls.',
  ],
  ERR_SSL_UNSUPPORTED_PROTOCOL: VERSION,
  ERR_SSL_WRONG_VERSION_NUMBER: VERSION,
  ERR_SSL_VERSION_TOO_LOW: VERSION,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: VERSION,
  ERR_SSL_NO_SHARED_CIPHER: [
    'TLS_NO_COMMON_CIPHER',
    'client and listener have no cipher in common',
    'Remove tls.ciphers from the listener or add what the client has; a certificate with an EC key shuts out old clients.',
  ],
  ERR_SSL_NO_APPLICATION_PROTOCOL: [
    'TLS_NO_COMMON_PROTOCOL',
    'the client wants a protocol that is not offered for this name (ALPN)',
    'Where RPC over HTTP may arrive, nothing but http/1.1 is spoken; explain says why a name has no HTTP/2.',
  ],
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: REFUSED,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: REFUSED,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: REFUSED,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: REFUSED,
  ERR_SSL_TLS_ALERT_BAD_CERTIFICATE: REFUSED,
  ERR_SSL_TLS_ALERT_CERTIFICATE_UNKNOWN: REFUSED,
  ERR_SSL_TLS_ALERT_CERTIFICATE_EXPIRED: REFUSED,
  ERR_TLS_HANDSHAKE_TIMEOUT: [
    'TLS_TIMEOUT',
    'the client did not finish the handshake in time',
    'A client that opens connections and waits does this, and so does a device on the way that swallows large packets.',
  ],
  ECONNRESET: LEFT,
  EPIPE: LEFT,
};

/** Finding and remedy for an error of a handshake. */
export function handshakeFinding(error: NodeJS.ErrnoException): { code: HandshakeCode; message: string } {
  const cause = error.code ?? error.message;
  const [code, finding, remedy] = ROWS[cause] ?? [
    'TLS_FAILED',
    'the TLS handshake failed',
    'The code names the cause.',
  ];
  return { code, message: `${finding} (${cause}). ${remedy}` };
}

/** Finding and remedy for a client without the certificate that its listener requires; `reason` as OpenSSL words it. */
export function certificateFinding(reason: string): { code: HandshakeCode; message: string } {
  const message = `the client has no certificate that clientCertificates accepts (${reason}). Give it one of the authorities in ca, or set mode: request.`;
  return { code: 'TLS_CLIENT_CERTIFICATE', message };
}
