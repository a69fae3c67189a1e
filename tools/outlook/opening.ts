// Room: opening one channel of a virtual connection: connect, log in, send the request that stays. And the transcript of it,
// in which a handshake that stops is told by the step that is missing.
import type { ConnectionOptions } from 'node:tls';
import type { Credentials } from '../exchange/ntlm.ts';
import type { Fields } from '../message.ts';
import { connect, readResponseHead, type Wire } from '../wire.ts';
import { prepare, sayHead, sayNone } from './handshake.ts';

export type OutlookOptions = {
  connect: { host: string; port: number; tls?: ConnectionOptions };
  /** Path of the RPC proxy. */
  path?: string;
  /** The RPC server asked for, `NAME:PORT`: the query of both requests. */
  server?: string;
  /** The Host field, without a port as real clients send it. */
  host?: string;
  credentials: Credentials;
  auth?: 'ntlm' | 'basic' | 'none';
  /** Binds NTLM logins to the certificate of the connection, as Windows does. */
  channelBinding?: boolean;
  /** impacket and Samba send CONN/A1 first, FreeRDP CONN/B1. */
  order?: 'A1-first' | 'B1-first';
  /** The last head and its first PDU in one write, as FreeRDP and Samba (Basic) do. */
  headAndBodyTogether?: boolean;
  /** Samba speaks 1.0, and so should a client by MS-RPCH 2.1.2.1.1. */
  httpVersion?: '1.0' | '1.1';
  /** Asks for 100 Continue and waits for it, as impacket does. Not with `headAndBodyTogether`. */
  expectContinue?: boolean;
  /** Milliseconds each step may take. */
  patience?: number;
};

export type Channel = 'IN' | 'OUT';
/** One line of what happened. `at`: milliseconds since the client started. */
export type Step = { at: number; channel: Channel | 'both'; what: string };

/** The handshake stopped. `message` names channel, missing step and what it means; `transcript` is what went before. */
export class MissingStep extends Error {
  override name = 'MissingStep';
  readonly transcript: readonly Step[];
  constructor(message: string, transcript: readonly Step[]) {
    super(message);
    this.transcript = transcript;
  }
}

/** A virtual connection on its way. */
export type Opening = {
  readonly options: OutlookOptions & Required<Pick<OutlookOptions, 'auth' | 'order' | 'httpVersion' | 'patience'>>;
  readonly transcript: Step[];
  tell(channel: Step['channel'], what: string): void;
  /** Opens a connection that `fail` will close. */
  dial(channel: Channel): Promise<Wire>;
  /** Closes what is open and rejects with MissingStep. */
  fail(channel: Channel, step: string): Promise<never>;
};

const PATIENCE = 5_000;
/** Bytes that RPC_IN_DATA announces, and the lifetime CONN/B1 names (MS-RPCH 2.1.2.1.1, 2.2.3.5.5). */
export const CHANNEL_LENGTH = 1_073_741_824;

export function beginOpening(given: OutlookOptions): Opening {
  const options = { auth: 'ntlm', order: 'A1-first', httpVersion: '1.1', patience: PATIENCE, ...given } as const;
  const started = performance.now();
  const transcript: Step[] = [];
  const wires: Wire[] = [];
  const tell: Opening['tell'] = (channel, what) =>
    void transcript.push({ at: Math.round(performance.now() - started), channel, what });
  const fail: Opening['fail'] = async (channel, step) => {
    await Promise.all(wires.map((wire) => wire.close()));
    throw new MissingStep(`${channel} channel: ${step}`, transcript);
  };
  return {
    options,
    transcript,
    tell,
    fail,
    async dial(channel) {
      const wire = await connect(options.connect).catch((error: Error) =>
        fail(channel, `no connection: ${error.message}`),
      );
      wires.push(wire);
      tell(channel, `connected${wire.tls ? ` with ${wire.tls.protocol}` : ''}`);
      return wire;
    },
  };
}

/** Connects, logs in and sends the request of one channel, with its first PDU where both go together. */
export async function openChannel(opening: Opening, channel: Channel, firstPdu: Buffer): Promise<Wire> {
  const { options, tell, fail } = opening;
  const { patience, headAndBodyTogether = false, expectContinue = false } = options;
  const waits = expectContinue && !headAndBodyTogether;
  const wire = await opening.dial(channel);
  const ask = {
    method: `RPC_${channel}_DATA`,
    target: `${options.path ?? '/rpc/rpcproxy.dll'}?${options.server ?? 'mbx1:6001'}`,
    version: options.httpVersion,
    fields: fieldsOf(options.host ?? options.connect.host, waits),
    contentLength: channel === 'IN' ? CHANNEL_LENGTH : firstPdu.length,
  };
  const legs = await prepare(wire, ask, options, patience, (what) => tell(channel, what));
  if (legs.kind === 'failed') return fail(channel, legs.step);
  await wire.send(legs.head, headAndBodyTogether ? firstPdu : '');
  tell(
    channel,
    `${ask.method}, Content-Length ${ask.contentLength}${headAndBodyTogether ? ', first PDU with it' : ''}`,
  );
  if (!waits) return wire;
  const read = await readResponseHead(wire, { method: ask.method, milliseconds: patience });
  if (read.kind !== 'head') return fail(channel, `no 100 Continue within ${patience} ms: ${sayNone(read)}`);
  if (read.head.status !== 100) return fail(channel, `no 100 Continue: ${sayHead(read.head)}`);
  tell(channel, '100 Continue');
  return wire;
}

/** The fields of MS-RPCH 2.1.2.1.1, in Samba's order. */
function fieldsOf(host: string, expectsContinue: boolean): Fields {
  const fields: Fields = [
    ['Accept', 'application/rpc'],
    ['User-Agent', 'MSRPC'],
    ['Host', host],
    ['Connection', 'Keep-Alive'],
    ['Cache-Control', 'no-cache'],
    ['Pragma', 'no-cache'],
  ];
  return expectsContinue ? [...fields, ['Expect', '100-continue']] : fields;
}
