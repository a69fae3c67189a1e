// Room: Outlook's half of RPC over HTTP (MS-RPCH 3.2.2): two connections, two logins, CONN/A1 and B1 out, A3 and C2 in.
// It gives up with the name of the step that is missing, because that is what an administrator needs to know.
import { randomBytes } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import type { Credentials } from '../exchange/ntlm.ts';
import { PTYPE, ptypeOf, takePdu } from '../exchange/pdu.ts';
import { connA1, connB1, decodeRts, PING, type RtsName } from '../exchange/rts.ts';
import type { Fields } from '../message.ts';
import { connect, readResponseHead, type Wire } from '../wire.ts';
import { type Login, prepare, sayHead, sayNone } from './handshake.ts';

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

/** One line of what happened. `at`: milliseconds since the client started. */
export type Step = { at: number; channel: 'IN' | 'OUT' | 'both'; what: string };

/** What OUT brought. `pdu`: the next PDU that is no RTS PDU, as it came. */
export type Received = { kind: 'pdu'; pdu: Buffer } | { kind: 'ended' | 'failed' | 'late' | 'bad' };

export type VirtualConnection = {
  /** What happened so far; grows. */
  readonly transcript: readonly Step[];
  /** The server's pings so far. They are seen by `receive`, which passes over them. */
  readonly pings: number;
  /** The two connections, for tests that want to hurt one. */
  readonly channels: { readonly IN: Wire; readonly OUT: Wire };
  /** Sends a PDU on IN; false when the connection is gone. */
  send(pdu: Buffer): Promise<boolean>;
  /** The next RPC PDU of OUT. */
  receive(milliseconds?: number): Promise<Received>;
  /** A ping on IN (MS-RPCH 2.2.4.49). */
  ping(): Promise<boolean>;
  /** FIN on IN; OUT is read on. */
  halfCloseIn(): void;
  close(): Promise<void>;
};

/** The handshake stopped. `message` names channel, missing step and what it means; `transcript` is what went before. */
export class MissingStep extends Error {
  override name = 'MissingStep';
  readonly transcript: readonly Step[];
  constructor(message: string, transcript: readonly Step[]) {
    super(message);
    this.transcript = transcript;
  }
}

const PATIENCE = 5_000;
/** Bytes both requests announce for the channel that is used in that direction (MS-RPCH 2.1.2.1). */
const CHANNEL_LENGTH = 1_073_741_824;
/** CONN/A1 and B1 as every client on record fills them: bytes, bytes, milliseconds. */
const RECEIVE_WINDOW = 262_144;
const CLIENT_KEEPALIVE = 300_000;

/** Opens a virtual connection; rejects with MissingStep where the handshake stops. */
export async function openVirtualConnection(options: OutlookOptions): Promise<VirtualConnection> {
  const { order = 'A1-first', headAndBodyTogether = false, expectContinue = false, patience = PATIENCE } = options;
  const started = performance.now();
  const transcript: Step[] = [];
  const tell = (channel: Step['channel'], what: string) =>
    void transcript.push({ at: Math.round(performance.now() - started), channel, what });
  const opened: Wire[] = [];

  async function fail(channel: 'IN' | 'OUT', step: string): Promise<never> {
    await Promise.all(opened.map((wire) => wire.close()));
    throw new MissingStep(`${channel} channel: ${step}`, transcript);
  }

  /** A connection whose login is done: the head of its channel request is ready, or has been sent. */
  async function openChannel(channel: 'IN' | 'OUT', firstPdu: Buffer): Promise<Wire> {
    const wire = await connect(options.connect).catch((error: Error) =>
      fail(channel, `no connection: ${error.message}`),
    );
    opened.push(wire);
    tell(channel, `connected${wire.tls ? ` with ${wire.tls.protocol}` : ''}`);
    const method = `RPC_${channel}_DATA`;
    const contentLength = channel === 'IN' ? CHANNEL_LENGTH : firstPdu.length;
    const ask = {
      method,
      target: targetOf(options),
      version: options.httpVersion ?? '1.1',
      fields: fieldsOf(options),
      contentLength,
    };
    const login: Login = { auth: options.auth ?? 'ntlm', credentials: options.credentials };
    const legs = await prepare(wire, ask, login, patience, (what) => tell(channel, what));
    if (legs.kind === 'failed') return fail(channel, legs.step);
    await wire.send(legs.head, headAndBodyTogether ? firstPdu : '');
    tell(channel, `${method}, Content-Length ${contentLength}${headAndBodyTogether ? ', first PDU with it' : ''}`);
    if (!expectContinue || headAndBodyTogether) return wire;
    const read = await readResponseHead(wire, { method, milliseconds: patience });
    if (read.kind !== 'head') return fail(channel, `no 100 Continue within ${patience} ms: ${sayNone(read)}`);
    if (read.head.status !== 100) return fail(channel, `no 100 Continue: ${sayHead(read.head)}`);
    tell(channel, '100 Continue');
    return wire;
  }

  const virtualConnection = randomBytes(16);
  const firstPdus = {
    OUT: connA1(virtualConnection, randomBytes(16), RECEIVE_WINDOW),
    IN: connB1({
      virtualConnection,
      inChannel: randomBytes(16),
      channelLifetime: CHANNEL_LENGTH,
      clientKeepalive: CLIENT_KEEPALIVE,
      associationGroup: randomBytes(16),
    }),
  };
  const sequence = order === 'A1-first' ? (['OUT', 'IN'] as const) : (['IN', 'OUT'] as const);
  const wires: Partial<Record<'IN' | 'OUT', Wire>> = {};
  for (const channel of sequence) wires[channel] = await openChannel(channel, firstPdus[channel]);
  const { IN, OUT } = wires as Record<'IN' | 'OUT', Wire>;
  for (const channel of sequence) {
    if (!headAndBodyTogether) await (channel === 'IN' ? IN : OUT).send(firstPdus[channel]);
    tell(channel, channel === 'IN' ? 'CONN/B1 sent' : 'CONN/A1 sent');
  }

  /** Anything that came on IN is an answer that should not be there (MS-RPCH 2.1.2.1.3): an error that explains. */
  async function blameIn(step: string): Promise<never> {
    const early = await readResponseHead(IN, { milliseconds: 0 });
    if (early.kind === 'head') return fail('IN', `${sayHead(early.head)} instead of silence; OUT channel: ${step}`);
    return fail('OUT', IN.inlet.over ? `${step}; the IN channel is closed` : step);
  }
  async function expectPdu(name: RtsName, after: string, meaning: string): Promise<void> {
    const taken = await takePdu(OUT.inlet, patience);
    const read = taken.kind === 'bytes' ? decodeRts(taken.bytes) : undefined;
    if (read?.kind === 'rts' && read.name === name) return tell('OUT', `${name}, ${taken.bytes.length} bytes`);
    if (taken.kind === 'late') return blameIn(`no ${name} within ${patience} ms after ${after}; ${meaning}`);
    if (taken.kind !== 'bytes')
      return blameIn(`no ${name} after ${after}: the connection ${taken.kind === 'ended' ? 'was closed' : taken.kind}`);
    return fail(
      'OUT',
      `no ${name} after ${after}: ${read?.kind === 'rts' ? `${read.name} came` : 'another PDU came'} instead`,
    );
  }

  const answer = await readResponseHead(OUT, { method: 'RPC_OUT_DATA', milliseconds: patience });
  if (answer.kind === 'late')
    return blameIn(`no 200 within ${patience} ms after CONN/A1; the proxy holds back the request or the response`);
  if (answer.kind !== 'head') return blameIn(`no 200 after CONN/A1: ${sayNone(answer)}`);
  if (answer.head.status !== 200) return fail('OUT', `no 200 after CONN/A1: ${sayHead(answer.head)}`);
  tell('OUT', `${answer.head.status} ${answer.head.reason}`);
  await expectPdu('CONN/A3', 'CONN/A1', 'the proxy holds back the response');
  await expectPdu('CONN/C2', 'CONN/B1', 'the proxy holds back the request on IN, or the channels reached two servers');
  tell('both', 'virtual connection open');

  let pings = 0;
  return {
    transcript,
    get pings() {
      return pings;
    },
    channels: { IN, OUT },
    send: (pdu) => IN.send(pdu),
    async receive(milliseconds = patience) {
      for (;;) {
        const taken = await takePdu(OUT.inlet, milliseconds);
        if (taken.kind !== 'bytes') return { kind: taken.kind };
        if (ptypeOf(taken.bytes) !== PTYPE.rts) return { kind: 'pdu', pdu: taken.bytes };
        const read = decodeRts(taken.bytes);
        if (read.kind === 'rts' && read.name === 'Ping') pings += 1;
        tell('OUT', read.kind === 'rts' ? `${read.name} received` : 'an RTS PDU that is none received');
      }
    },
    ping() {
      tell('IN', 'Ping sent');
      return IN.send(PING);
    },
    halfCloseIn() {
      tell('IN', 'FIN sent');
      IN.finish();
    },
    async close() {
      await Promise.all([IN.close(), OUT.close()]);
    },
  };
}

function targetOf({ path = '/rpc/rpcproxy.dll', server = 'mbx1:6001' }: OutlookOptions): string {
  return `${path}?${server}`;
}

/** The fields of MS-RPCH 2.1.2.1.1, in Samba's order. */
function fieldsOf(options: OutlookOptions): Fields {
  const expects = options.expectContinue && !options.headAndBodyTogether;
  return [
    ['Accept', 'application/rpc'],
    ['User-Agent', 'MSRPC'],
    ['Host', options.host ?? options.connect.host],
    ['Connection', 'Keep-Alive'],
    ['Cache-Control', 'no-cache'],
    ['Pragma', 'no-cache'],
    ...(expects ? ([['Expect', '100-continue']] as Fields) : []),
  ];
}
