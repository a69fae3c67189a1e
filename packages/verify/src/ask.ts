// Room: a client that is a socket: sends the bytes of one probe, and says how the answer began or why there was none.
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';
import type { Fields } from './probe.ts';

/** Where to ask. `host`: a loopback address, by default 127.0.0.1. `preface` goes out before TLS: the PROXY protocol. */
export type Door = {
  port: number;
  host?: string;
  tls: boolean;
  preface?: string;
  serverName?: string;
  /** The loopback address to come from, where it matters. */
  from?: string;
};

/** `fields`: those of the final response; `body`: all that came behind its head, as latin1. */
export type Answer =
  | { kind: 'answered'; status: number; fields: Fields; body: string }
  | { kind: 'reset' | 'closed' | 'silent' };

/** Milliseconds for a whole answer over loopback. A proxy that is silent for longer has no answer to give. */
const PATIENCE = 5_000;

/** One for all connections: building one for each would take longer than the handshake. */
const context: SecureContext = createSecureContext();

/** Sends `bytes` and reads to the end of the connection, which the request has asked for. */
export function ask(
  { port, host = '127.0.0.1', tls, preface = '', serverName, from }: Door,
  bytes: Buffer,
): Promise<Answer> {
  return new Promise((resolve) => {
    const raw = connectTcp({ host, port, noDelay: true, ...(from !== undefined && { localAddress: from }) });
    let said = '';
    let settled = false;
    const finish = (answer: Answer): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      raw.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => finish({ kind: 'silent' }), PATIENCE);
    const end = (kind: 'reset' | 'closed') => () => finish(finalAnswer(said) ?? { kind });
    const talk = (socket: Socket): void => {
      socket.on('data', (piece) => {
        said += piece.toString('latin1');
      });
      socket.once('end', end('closed')).once('close', end('closed')).once('error', end('reset'));
    };
    if (preface !== '') raw.write(preface, 'latin1');
    if (!tls) {
      talk(raw);
      raw.write(bytes);
      return;
    }
    raw.once('error', end('reset'));
    raw.once('connect', () => {
      // The certificate is our own throwaway; who answers is known by the port.
      const socket = connectTls({
        socket: raw,
        secureContext: context,
        rejectUnauthorized: false,
        ...(serverName !== undefined && { servername: serverName }),
      });
      talk(socket);
      socket.once('secureConnect', () => socket.write(bytes));
    });
  });
}

/** The final response; those of 1xx before it are passed over (RFC 9110 15.2). */
function finalAnswer(said: string): Answer | undefined {
  for (const { 0: head, 1: digits, 2: lines = '', index } of said.matchAll(HEADS)) {
    const status = Number(digits);
    const body = said.slice(index + head.length + BLANK_LINE.length);
    if (status >= 200) return { kind: 'answered', status, fields: fieldsOf(lines), body };
  }
  return undefined;
}

const BLANK_LINE = '\r\n\r\n';
/** A status line where a response begins, and the lines behind it up to the blank one. */
const HEADS = /(?:^|\r\n\r\n)HTTP\/1\.[01] (\d{3})[^\r\n]*((?:\r\n[^\r\n]+)*)/g;

/** Field lines in order, blanks around their values taken away. */
export function fieldsOf(lines: string): Fields {
  return lines.split('\r\n').flatMap((line): Fields => {
    if (line === '') return [];
    const colon = line.indexOf(':');
    return [colon === -1 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).trim()]];
  });
}
