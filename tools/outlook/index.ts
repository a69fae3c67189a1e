// Room: Outlook's half of RPC over HTTP (MS-RPCH 3.2.2): two connections, two logins, CONN/A1 and B1 out, A3 and C2 in.
// It gives up with the name of the step that is missing, because that is what an administrator needs to know.
import { randomBytes } from 'node:crypto';
import { PTYPE, ptypeOf, takePdu } from '../exchange/pdu.ts';
import { connA1, connB1, decodeRts, PING, type RtsName } from '../exchange/rts.ts';
import { readResponseHead, type Wire } from '../wire.ts';
import { sayHead, sayNone } from './handshake.ts';
import {
  beginOpening,
  CHANNEL_LENGTH,
  type Channel,
  type Opening,
  type OutlookOptions,
  openChannel,
  type Step,
} from './opening.ts';

export { MissingStep, type OutlookOptions, type Step } from './opening.ts';

/** What OUT brought. `pdu`: the next PDU that is no RTS PDU, as it came. */
export type Received = { kind: 'pdu'; pdu: Buffer } | { kind: 'ended' | 'failed' | 'late' | 'bad' };

export type VirtualConnection = {
  /** What happened so far; grows. */
  readonly transcript: readonly Step[];
  /** The server's pings so far. They are seen by `receive`, which passes over them. */
  readonly pings: number;
  /** The two connections, for tests that want to hurt one. */
  readonly channels: Channels;
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

type Channels = Readonly<Record<Channel, Wire>>;

/** CONN/A1 and B1 as every client on record fills them: bytes, milliseconds. */
const RECEIVE_WINDOW = 262_144;
const CLIENT_KEEPALIVE = 300_000;

/** Opens a virtual connection; rejects with MissingStep where the handshake stops. */
export async function openVirtualConnection(options: OutlookOptions): Promise<VirtualConnection> {
  const opening = beginOpening(options);
  const channels = await sendBoth(opening);
  await expectAnswers(opening, channels);
  opening.tell('both', 'virtual connection open');
  return virtualConnectionOf(opening, channels);
}

/** Both requests and their first PDUs, in the order and the pieces that were asked for. */
async function sendBoth(opening: Opening): Promise<Channels> {
  const { options, tell } = opening;
  const virtualConnection = randomBytes(16);
  const firstPdus: Record<Channel, Buffer> = {
    OUT: connA1(virtualConnection, randomBytes(16), RECEIVE_WINDOW),
    IN: connB1({
      virtualConnection,
      inChannel: randomBytes(16),
      channelLifetime: CHANNEL_LENGTH,
      clientKeepalive: CLIENT_KEEPALIVE,
      associationGroup: randomBytes(16),
    }),
  };
  const [first, second]: [Channel, Channel] = options.order === 'A1-first' ? ['OUT', 'IN'] : ['IN', 'OUT'];
  const opened = {
    [first]: await openChannel(opening, first, firstPdus[first]),
    [second]: await openChannel(opening, second, firstPdus[second]),
  } as Channels;
  for (const channel of [first, second]) {
    if (!options.headAndBodyTogether) await opened[channel].send(firstPdus[channel]);
    tell(channel, channel === 'IN' ? 'CONN/B1 sent' : 'CONN/A1 sent');
  }
  return opened;
}

/** The 200, CONN/A3 and CONN/C2 on OUT. */
async function expectAnswers(opening: Opening, channels: Channels): Promise<void> {
  const { options, tell, fail } = opening;
  const { patience } = options;
  const answer = await readResponseHead(channels.OUT, { method: 'RPC_OUT_DATA', milliseconds: patience });
  if (answer.kind === 'late') {
    const meaning = 'the proxy holds back the request or the response';
    return explain(opening, channels, `no 200 within ${patience} ms after CONN/A1; ${meaning}`);
  }
  if (answer.kind !== 'head') return explain(opening, channels, `no 200 after CONN/A1: ${sayNone(answer)}`);
  if (answer.head.status !== 200) return fail('OUT', `no 200 after CONN/A1: ${sayHead(answer.head)}`);
  tell('OUT', `${answer.head.status} ${answer.head.reason}`);
  await expectPdu(opening, channels, 'CONN/A3', 'CONN/A1', 'the proxy holds back the response');
  const meaning = 'the proxy holds back the request on IN, or the channels reached two servers';
  await expectPdu(opening, channels, 'CONN/C2', 'CONN/B1', meaning);
}

/** The PDU of that name on OUT. `after`: what should have brought it; `meaning`: what it means when it does not come. */
async function expectPdu(
  opening: Opening,
  channels: Channels,
  name: RtsName,
  after: string,
  meaning: string,
): Promise<void> {
  const { patience } = opening.options;
  const taken = await takePdu(channels.OUT.inlet, patience);
  if (taken.kind === 'late')
    return explain(opening, channels, `no ${name} within ${patience} ms after ${after}; ${meaning}`);
  if (taken.kind !== 'bytes') return explain(opening, channels, `no ${name} after ${after}: ${sayNone(taken)}`);
  const read = decodeRts(taken.bytes);
  if (read.kind === 'rts' && read.name === name) return opening.tell('OUT', `${name}, ${taken.bytes.length} bytes`);
  return opening.fail(
    'OUT',
    `no ${name} after ${after}: ${read.kind === 'rts' ? read.name : 'another PDU'} came instead`,
  );
}

/** What OUT lacks, unless IN says why: IN is silent on success, so a response there is an error (MS-RPCH 2.1.2.1.3). */
async function explain({ fail }: Opening, { IN }: Channels, step: string): Promise<never> {
  const early = await readResponseHead(IN, { milliseconds: 0 });
  if (early.kind === 'head') return fail('IN', `${sayHead(early.head)} instead of silence; OUT channel: ${step}`);
  return fail('OUT', IN.inlet.over ? `${step}; the IN channel is closed` : step);
}

function virtualConnectionOf({ options, transcript, tell }: Opening, channels: Channels): VirtualConnection {
  const { IN, OUT } = channels;
  let pings = 0;
  return {
    transcript,
    channels,
    get pings() {
      return pings;
    },
    send: (pdu) => IN.send(pdu),
    async receive(milliseconds = options.patience) {
      for (;;) {
        const taken = await takePdu(OUT.inlet, milliseconds);
        if (taken.kind !== 'bytes') return { kind: taken.kind };
        if (ptypeOf(taken.bytes) !== PTYPE.rts) return { kind: 'pdu', pdu: taken.bytes };
        const read = decodeRts(taken.bytes);
        if (read.kind === 'rts' && read.name === 'Ping') pings += 1;
        tell(
          'OUT',
          read.kind === 'rts' ? `${read.name} received` : `an RTS PDU received that is none: ${read.message}`,
        );
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
