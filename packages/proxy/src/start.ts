// Room: why the edge cannot start, as values with a remedy each.

/** Closed; each has its line in the README. */
export type StartCode =
  | 'FILE_UNREADABLE'
  | 'CERTIFICATE_UNUSABLE'
  | 'KEY_UNUSABLE'
  | 'KEY_MISMATCH'
  | 'PASSPHRASE_WRONG'
  | 'PKCS12_UNUSABLE'
  | 'CIPHERS_UNUSABLE'
  | 'PAGE_UNUSABLE'
  | 'ADDRESS_IN_USE'
  | 'ADDRESS_FORBIDDEN'
  | 'ADDRESS_UNUSABLE';

/** What is told at the start and keeps nobody from being served. Closed; each has its line in the README. */
export type StartNoticeCode = 'CERTIFICATE_EXPIRED' | 'TLS_OBSOLETE';

/** `message` is a finding and its remedy. */
export type StartProblem = { code: StartCode; message: string };

/** What a failed bind means. `address` as the rules write it. */
export function listenProblem(error: NodeJS.ErrnoException, address: string): StartProblem {
  switch (error.code) {
    case 'EADDRINUSE':
      return {
        code: 'ADDRESS_IN_USE',
        message: `${address} is in use. Another server has it, perhaps Apache itself: move its Listen line to 127.0.0.1, or stop it.`,
      };
    case 'EACCES':
      return {
        code: 'ADDRESS_FORBIDDEN',
        message: `${address} may not be bound by this user. Ports below 1024 need root or CAP_NET_BIND_SERVICE.`,
      };
    default:
      return {
        code: 'ADDRESS_UNUSABLE',
        message: `${address} cannot be bound (${error.code ?? error.message}). Is it an address of this machine?`,
      };
  }
}
