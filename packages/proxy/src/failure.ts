// Room: what failed, on whose side, which status it becomes, and what a person can do about it. The one table of errors.
import { tlsCause } from './handshake.ts';

/** Trouble with a server behind us. Closed; each has its line in the README. */
export type UpstreamFailureCode =
  | 'UPSTREAM_REFUSED'
  | 'UPSTREAM_UNREACHABLE'
  | 'UPSTREAM_NAME_UNKNOWN'
  | 'UPSTREAM_CONNECT_TIMEOUT'
  | 'UPSTREAM_RESET'
  | 'UPSTREAM_CERT_SELF_SIGNED'
  | 'UPSTREAM_CERT_AUTHORITY_UNKNOWN'
  | 'UPSTREAM_CERT_NAME'
  | 'UPSTREAM_CERT_EXPIRED'
  | 'UPSTREAM_CERT_UNUSABLE'
  | 'UPSTREAM_CERT_REVOKED'
  | 'UPSTREAM_CRL'
  | 'UPSTREAM_CLIENT_CERTIFICATE'
  | 'UPSTREAM_NAME_REFUSED'
  | 'UPSTREAM_NOT_TLS'
  | 'UPSTREAM_TLS'
  | 'UPSTREAM_TROUBLE'
  | 'UPSTREAM_CLOSED'
  | 'UPSTREAM_BAD_ANSWER'
  | 'UPSTREAM_ANSWER_TIMEOUT'
  | 'SERVER_FULL';

/** Trouble of our own machine. */
export type OwnFailureCode = 'OUT_OF_DESCRIPTORS' | 'OUT_OF_PORTS';

export type FailureCode = UpstreamFailureCode | OwnFailureCode;

/** `status` is for a client that has had no byte of an answer yet; `message` is for the log and ends with the remedy. */
export type Failure = {
  status: 502 | 503 | 504;
  whose: 'upstream' | 'ours';
  code: FailureCode;
  message: string;
};

type Row = Omit<Failure, 'message'> & { finding: string; remedy: string };

const upstreamRow = (code: UpstreamFailureCode, finding: string, remedy: string, status: 502 | 504 = 502): Row => ({
  status,
  whose: 'upstream',
  code,
  finding,
  remedy,
});

const REFUSED = upstreamRow(
  'UPSTREAM_REFUSED',
  'refused the connection',
  'Is the server running, and is the port right?',
);
const UNREACHABLE = upstreamRow(
  'UPSTREAM_UNREACHABLE',
  'cannot be reached',
  'Check the route to it and any firewall on the way.',
);
const NAME_UNKNOWN = upstreamRow(
  'UPSTREAM_NAME_UNKNOWN',
  'has a name that cannot be resolved',
  'Check the name, or write its address in the rules.',
);
const CONNECT_TIMEOUT = upstreamRow(
  'UPSTREAM_CONNECT_TIMEOUT',
  'did not take the connection in time',
  'Is the server up, and does a firewall drop packets to it? timeouts.connect is the limit.',
  504,
);
const RESET = upstreamRow(
  'UPSTREAM_RESET',
  'broke the connection off',
  'Look into its own log at this time; a server that restarts or a filter on the way does this.',
);
const SELF_SIGNED = upstreamRow(
  'UPSTREAM_CERT_SELF_SIGNED',
  'shows a certificate signed by itself or by an authority of its own',
  'Name that authority in tls.ca of the upstream.',
);
const AUTHORITY_UNKNOWN = upstreamRow(
  'UPSTREAM_CERT_AUTHORITY_UNKNOWN',
  'shows a certificate of an authority that is not known here',
  'Name the authority in tls.ca of the upstream, or let the server send its whole chain.',
);
const CERT_NAME = upstreamRow(
  'UPSTREAM_CERT_NAME',
  'shows a certificate for another name',
  'Write the name the certificate has in tls.serverName of the upstream.',
);
const CERT_EXPIRED = upstreamRow(
  'UPSTREAM_CERT_EXPIRED',
  'shows a certificate that is outside its dates',
  'Renew it, and check the clocks of both machines.',
);
const CERT_UNUSABLE = upstreamRow(
  'UPSTREAM_CERT_UNUSABLE',
  'shows a certificate that cannot be relied on',
  'Have it issued anew, for a server, by an authority that may sign, with a key and signature of today; the code says what is wrong.',
);
const CERT_REVOKED = upstreamRow(
  'UPSTREAM_CERT_REVOKED',
  'shows a certificate that its authority has revoked',
  'Give the server another certificate; who has the key of the old one may pose as it.',
);
const CRL = upstreamRow(
  'UPSTREAM_CRL',
  'shows a certificate for which tls.crl has no list that holds today',
  'Fetch the list of each authority in its chain anew into the files of tls.crl, and reload.',
);
const CLIENT_CERTIFICATE = upstreamRow(
  'UPSTREAM_CLIENT_CERTIFICATE',
  'wants a client certificate, and was shown none or refuses ours',
  'Name one that it accepts in tls.certificate of the upstream, or let it ask for none.',
);
const NAME_REFUSED = upstreamRow(
  'UPSTREAM_NAME_REFUSED',
  'does not serve the name it was asked for in TLS',
  'Write a name that it serves in tls.serverName of the upstream.',
);
const NOT_TLS = upstreamRow(
  'UPSTREAM_NOT_TLS',
  'does not speak TLS on this port',
  'Write http:// in servers, or the port where it speaks TLS.',
);
const TLS = upstreamRow(
  'UPSTREAM_TLS',
  'and we found no common way to speak TLS',
  'Compare TLS versions and ciphers on both sides: an old server may need tls.minVersion, another a client certificate (tls.certificate).',
);
const NO_SOCKET = upstreamRow(
  'UPSTREAM_UNREACHABLE',
  'has no socket there',
  'Is the server running, and is the path right?',
);
const NOT_OURS = upstreamRow(
  'UPSTREAM_UNREACHABLE',
  'may not be used by this user',
  'Let the user this process runs as write to the socket and enter its folder.',
);
const TROUBLE = upstreamRow('UPSTREAM_TROUBLE', 'could not be used', 'The error above names the cause.');
const DESCRIPTORS: Row = {
  status: 503,
  whose: 'ours',
  code: 'OUT_OF_DESCRIPTORS',
  finding: 'could not be dialled: this process may open no more files',
  remedy: 'Raise the limit (LimitNOFILE of the service, ulimit -n).',
};
const PORTS: Row = {
  status: 503,
  whose: 'ours',
  code: 'OUT_OF_PORTS',
  finding: 'could not be dialled: no local port is free',
  remedy: 'Widen net.ipv4.ip_local_port_range, or look for connections that never close.',
};

/** Codes of errno.h, getaddrinfo, and of node's and OpenSSL's TLS errors. */
const ROWS: Readonly<Record<string, Row>> = {
  ECONNREFUSED: REFUSED,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ENOENT: NO_SOCKET,
  ENOTSOCK: NO_SOCKET,
  EACCES: NOT_OURS,
  EHOSTDOWN: UNREACHABLE,
  ENETDOWN: UNREACHABLE,
  EADDRNOTAVAIL: PORTS,
  ENOTFOUND: NAME_UNKNOWN,
  EAI_AGAIN: NAME_UNKNOWN,
  EAI_NODATA: NAME_UNKNOWN,
  EAI_NONAME: NAME_UNKNOWN,
  ETIMEDOUT: CONNECT_TIMEOUT,
  ECONNRESET: RESET,
  ECONNABORTED: RESET,
  EPIPE: RESET,
  EMFILE: DESCRIPTORS,
  ENFILE: DESCRIPTORS,
  DEPTH_ZERO_SELF_SIGNED_CERT: SELF_SIGNED,
  SELF_SIGNED_CERT_IN_CHAIN: SELF_SIGNED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: AUTHORITY_UNKNOWN,
  UNABLE_TO_GET_ISSUER_CERT: AUTHORITY_UNKNOWN,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: AUTHORITY_UNKNOWN,
  CERT_UNTRUSTED: AUTHORITY_UNKNOWN,
  HOSTNAME_MISMATCH: CERT_NAME,
  CERT_REVOKED,
  UNABLE_TO_GET_CRL: CRL,
  UNABLE_TO_GET_CRL_ISSUER: CRL,
  UNABLE_TO_DECRYPT_CRL_SIGNATURE: CRL,
  CRL_SIGNATURE_FAILURE: CRL,
  CRL_NOT_YET_VALID: CRL,
  CRL_HAS_EXPIRED: CRL,
  ERROR_IN_CRL_LAST_UPDATE_FIELD: CRL,
  ERROR_IN_CRL_NEXT_UPDATE_FIELD: CRL,
  CERT_REJECTED: CERT_UNUSABLE,
  CERT_SIGNATURE_FAILURE: CERT_UNUSABLE,
  CERT_CHAIN_TOO_LONG: CERT_UNUSABLE,
  PATH_LENGTH_EXCEEDED: CERT_UNUSABLE,
  INVALID_CA: CERT_UNUSABLE,
  INVALID_PURPOSE: CERT_UNUSABLE,
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: CERT_UNUSABLE,
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: CERT_UNUSABLE,
  ERROR_IN_CERT_NOT_BEFORE_FIELD: CERT_UNUSABLE,
  ERROR_IN_CERT_NOT_AFTER_FIELD: CERT_UNUSABLE,
  UNSPECIFIED: CERT_UNUSABLE, // what node calls the newer findings of OpenSSL: a key too small, a digest too weak
  ERR_TLS_CERT_ALTNAME_FORMAT: CERT_UNUSABLE,
  ERR_TLS_CERT_ALTNAME_INVALID: CERT_NAME,
  CERT_HAS_EXPIRED: CERT_EXPIRED,
  CERT_NOT_YET_VALID: CERT_EXPIRED,
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  ERR_SSL_DATA_LENGTH_TOO_LONG: NOT_TLS,
  ERR_SSL_HTTP_REQUEST: NOT_TLS,
  'alert CERTIFICATE_REQUIRED': CLIENT_CERTIFICATE,
  'alert BAD_CERTIFICATE': CLIENT_CERTIFICATE,
  'alert UNSUPPORTED_CERTIFICATE': CLIENT_CERTIFICATE,
  'alert CERTIFICATE_REVOKED': CLIENT_CERTIFICATE,
  'alert CERTIFICATE_EXPIRED': CLIENT_CERTIFICATE,
  'alert CERTIFICATE_UNKNOWN': CLIENT_CERTIFICATE,
  'alert UNKNOWN_CA': CLIENT_CERTIFICATE,
  'alert ACCESS_DENIED': CLIENT_CERTIFICATE,
  'alert UNRECOGNIZED_NAME': NAME_REFUSED,
};

/** What an error of dialling or of a connection means. `place` names upstream and server: `exchange (https://10.1.1.14:443)`. */
export function upstreamFailure(error: NodeJS.ErrnoException, place: string): Failure {
  const code = error.code ?? '';
  const row = ROWS[tlsCause(error)] ?? (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') ? TLS : TROUBLE);
  const cause = code === '' ? error.message : code;
  return failure(row, `${place} ${row.finding} (${cause})`, row.remedy);
}

/** No connection within `milliseconds` (timeouts.connect). */
export function connectTimeout(place: string, milliseconds: number): Failure {
  return failure(CONNECT_TIMEOUT, `${place} ${CONNECT_TIMEOUT.finding} (${milliseconds} ms)`, CONNECT_TIMEOUT.remedy);
}

/** As many connections as the rules allow, and none of them rests. */
export function serverFull(place: string, limit: number): Failure {
  return {
    status: 503,
    whose: 'upstream',
    code: 'SERVER_FULL',
    message: `${place} has ${limit} connections, all of them in use. connectionsPerServer is the limit; raise it if the server can take more.`,
  };
}

/** No answer within `milliseconds` (timeouts.answer). */
export function answerTimeout(place: string, milliseconds: number): Failure {
  return {
    status: 504,
    whose: 'upstream',
    code: 'UPSTREAM_ANSWER_TIMEOUT',
    message: `${place} gave no answer within ${milliseconds} ms. Is it overloaded? timeouts.answer is the limit.`,
  };
}

/** The server ended the connection where an answer was due. */
export function closedWithoutAnswer(place: string): Failure {
  return {
    status: 502,
    whose: 'upstream',
    code: 'UPSTREAM_CLOSED',
    message: `${place} closed the connection instead of answering. Look into its own log at this time.`,
  };
}

/** What came was not an answer; `finding` is a sentence of the head or body reader. */
export function badAnswer(place: string, finding: string): Failure {
  return {
    status: 502,
    whose: 'upstream',
    code: 'UPSTREAM_BAD_ANSWER',
    message: `${place} gave an answer that cannot be passed on: ${finding} Does it speak HTTP/1 on this port?`,
  };
}

function failure({ status, whose, code }: Row, finding: string, remedy: string): Failure {
  return { status, whose, code, message: `${finding}. ${remedy}` };
}
