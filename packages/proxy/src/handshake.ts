// Room: why a client's TLS handshake failed, as a line that says what to do. The table of client-side TLS errors.

/** Closed; each has its line in the README. */
export type HandshakeCode =
  | 'TLS_PLAIN_HTTP'
  | 'TLS_NOT_TLS'
  | 'TLS_NO_COMMON_VERSION'
  | 'TLS_NO_COMMON_CIPHER'
  | 'TLS_NO_COMMON_PROTOCOL'
  | 'TLS_CERTIFICATE_REFUSED'
  | 'TLS_CLIENT_CERTIFICATE'
  | 'TLS_TIMEOUT'
  | 'TLS_LEFT'
  | 'TLS_FAILED';

type Row = readonly [code: HandshakeCode, finding: string, remedy: string];

const NOT_TLS: Row = [
  'TLS_NOT_TLS',
  'what the client sent is no handshake of TLS',
  'It may be plain HTTP or HTTP/2, a PROXY header of a balancer that proxyProtocol does not list, or another protocol: send that to a port of its own.',
];
const PLAIN: Row = [
  'TLS_PLAIN_HTTP',
  'the client spoke plain HTTP to a TLS port',
  'Write https in its address, or give plain HTTP a listener without tls.',
];
const VERSION: Row = [
  'TLS_NO_COMMON_VERSION',
  'client and listener have no TLS version in common',
  'Old clients need tls.minVersion "1.0" on the listener, which weakens it for all.',
];
const CIPHER: Row = [
  'TLS_NO_COMMON_CIPHER',
  'client and listener have no cipher in common',
  'Remove tls.ciphers from the listener or add what the client has; a certificate with an EC key shuts out old clients.',
];
const GROUP: Row = [
  'TLS_NO_COMMON_CIPHER',
  'client and listener have no key exchange or kind of signature in common',
  'Update the client, or give the listener a certificate with the other kind of key (RSA or EC).',
];
const PROTOCOL: Row = [
  'TLS_NO_COMMON_PROTOCOL',
  'the client wants a protocol that is not offered for this name (ALPN)',
  'Where RPC over HTTP may arrive, nothing but http/1.1 is spoken; explain says why a name has no HTTP/2.',
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
const BROKEN: Row = [
  'TLS_FAILED',
  'the client broke the handshake off',
  'Look into its own log at this time; a device on the way that reads TLS does this, too.',
];
const FAILED: Row = [
  'TLS_FAILED',
  'the TLS handshake failed',
  'The code is that of OpenSSL; look into the log of the client at this time as well.',
];

/** Codes as node and OpenSSL spell them; alerts (RFC 8446 6) as `tlsCause` does. */
const ROWS: Readonly<Record<string, Row>> = {
  ERR_SSL_HTTP_REQUEST: PLAIN,
  ERR_SSL_HTTPS_PROXY_REQUEST: PLAIN,
  // A version that is really another one is UNSUPPORTED_PROTOCOL; here the first bytes are no record at all.
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  ERR_SSL_DATA_LENGTH_TOO_LONG: NOT_TLS,
  ERR_SSL_LENGTH_TOO_SHORT: NOT_TLS,
  ERR_SSL_LENGTH_MISMATCH: NOT_TLS,
  ERR_SSL_UNEXPECTED_MESSAGE: NOT_TLS,
  ERR_SSL_UNSUPPORTED_PROTOCOL: VERSION,
  ERR_SSL_UNKNOWN_PROTOCOL: VERSION, // a hello of SSL 2
  ERR_SSL_VERSION_TOO_LOW: VERSION,
  'alert PROTOCOL_VERSION': VERSION,
  'alert INAPPROPRIATE_FALLBACK': VERSION,
  ERR_SSL_NO_SHARED_CIPHER: CIPHER,
  'alert HANDSHAKE_FAILURE': CIPHER,
  'alert INSUFFICIENT_SECURITY': CIPHER,
  ERR_SSL_NO_SUITABLE_KEY_SHARE: GROUP,
  ERR_SSL_NO_SHARED_GROUP: GROUP,
  ERR_SSL_NO_SUITABLE_GROUPS: GROUP,
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: GROUP,
  ERR_SSL_NO_SHARED_SIGNATURE_ALGORITHMS: GROUP,
  ERR_SSL_NO_APPLICATION_PROTOCOL: PROTOCOL,
  'alert NO_APPLICATION_PROTOCOL': PROTOCOL,
  'alert BAD_CERTIFICATE': REFUSED,
  'alert UNSUPPORTED_CERTIFICATE': REFUSED,
  'alert CERTIFICATE_REVOKED': REFUSED,
  'alert CERTIFICATE_EXPIRED': REFUSED,
  'alert CERTIFICATE_UNKNOWN': REFUSED,
  'alert UNKNOWN_CA': REFUSED,
  'alert UNRECOGNIZED_NAME': REFUSED,
  'alert BAD_CERTIFICATE_STATUS_RESPONSE': REFUSED,
  'alert ACCESS_DENIED': BROKEN,
  'alert ILLEGAL_PARAMETER': BROKEN,
  'alert DECODE_ERROR': BROKEN,
  'alert DECRYPT_ERROR': BROKEN,
  'alert INTERNAL_ERROR': BROKEN,
  'alert UNEXPECTED_MESSAGE': BROKEN,
  'alert BAD_RECORD_MAC': BROKEN,
  ERR_TLS_HANDSHAKE_TIMEOUT: [
    'TLS_TIMEOUT',
    'the client did not finish the handshake in time',
    'A client that opens connections and waits does this, and so does a device on the way that swallows large packets.',
  ],
  ECONNRESET: LEFT,
  EPIPE: LEFT,
};

/** How OpenSSL begins the code of an alert from the other side: by a version that says nothing, and that 3.5 spells in its own way. */
const ALERT = /^ERR_SSL_(?:SSLV3|TLSV1|TLSV13|TLS|SSL\/TLS)_(?:ALERT_)?/;

/** A TLS error's key in a table: `alert UNKNOWN_CA` for one that the other side sent, its code or message for another. */
export function tlsCause({ code, message }: NodeJS.ErrnoException): string {
  return code?.replace(ALERT, 'alert ') ?? message;
}

/** Finding and remedy for an error of a handshake. */
export function handshakeFinding(error: NodeJS.ErrnoException): { code: HandshakeCode; message: string } {
  const [code, finding, remedy] = ROWS[tlsCause(error)] ?? FAILED;
  return { code, message: `${finding} (${error.code ?? error.message}). ${remedy}` };
}

/** Finding and remedy for a client without the certificate that its listener requires; `reason` as OpenSSL words it. */
export function certificateFinding(reason: string): { code: HandshakeCode; message: string } {
  const message = `the client has no certificate that clientCertificates accepts (${reason}). Give it one of the authorities in ca, or set mode: request.`;
  return { code: 'TLS_CLIENT_CERTIFICATE', message };
}
