// Room: a client that is a socket: sends the bytes of one probe, and says how the answer began or why there was none.
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';
import type { Content } from './probe.ts';

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

export type Answer = { kind: 'answered'; status: number; content: Content } | { kind: 'reset' | 'closed' | 'silent' };

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

/** The final response; those of 1xx before it are passed over (RFC 9110 15.2). Its body is what came before the connection ended. */
function finalAnswer(said: string): Answer | undefined {
  const starts = [...said.matchAll(/(?:^|\r\n\r\n)HTTP\/1\.[01] (\d{3})/g)];
  const final = starts.find(([, digits]) => Number(digits) >= 200);
  if (final === undefined) return undefined;
  const [head = '', ...bodies] = said
    .slice(final.index)
    .replace(/^\r\n\r\n/, '')
    .split('\r\n\r\n');
  const field = (name: string): string => new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1]?.trim() ?? '';
  const content = { type: field('content-type'), language: field('content-language'), body: bodies.join('\r\n\r\n') };
  return { kind: 'answered', status: Number(final[1]), content };
}
