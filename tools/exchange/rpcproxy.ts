// Room: RPC over HTTP v2 (MS-RPCH) as the proxies and the server behind them do it together: two channels that find each
// other by their cookie, and an RPC server that says back what it hears.
import { composeHead } from '../message.ts';
import { type Request, refuseEarly, STAND_IN, sendContinue } from './http.ts';
import { PTYPE, ptypeOf, takePdu } from './pdu.ts';
import { bytesOf, connA3, connC2, decodeRts, ECHO, PING, type RtsName } from './rts.ts';
import type { Connection, Note } from './sights.ts';

/** Both HTTP content lengths of a channel: 1 GiB (MS-RPCH 2.1.2.1.1, 2.1.2.1.4 allow 128 KiB to 2 GiB). */
export const CHANNEL_LENGTH = 1_073_741_824;
/** Bytes up to which a request is an echo request (MS-RPCH 2.1.2.1.5). */
const ECHO_LENGTH = 16;
/** CONN/A3 and C2, milliseconds: the default of IIS. MS-RPCH 3.2.1.1.6.1 allows 30 s to 30 min. */
const CONNECTION_TIMEOUT = 120_000;
/** CONN/C2, bytes; the client may have as many unacknowledged on IN. */
const RECEIVE_WINDOW = 65_536;
/** Milliseconds for the first PDU after a head, and for one channel to follow the other. */
const PAIRING_PATIENCE = 30_000;
/** Milliseconds of silence on an open channel: no test is quiet for an hour. */
const SILENCE = 3_600_000;
/** IIS takes this path in any case. */
const PATH = /^\/rpc(withcert)?\/rpcproxy\.dll$/i;

/** The two verbs of the protocol; anything else on the path is a page that does not exist. */
export function isRpcRequest({ method, path }: Request): boolean {
  return (method === 'RPC_IN_DATA' || method === 'RPC_OUT_DATA') && PATH.test(path);
}

/** An open virtual connection, for tests that let the server act of its own accord. */
export type ServerVirtualConnection = {
  /** Lower-case hex. */
  readonly cookie: string;
  /** The query of the request: `mbx1:6001`. */
  readonly server: string;
  /** A PDU from the server to the client, of whatever bytes. */
  send(pdu: Buffer): Promise<boolean>;
  /** A ping on OUT (MS-RPCH 3.2.2.6.1). */
  ping(): Promise<boolean>;
  /** RST on one channel, as when the server dies. */
  reset(channel: 'IN' | 'OUT'): void;
  /** FIN on one channel. */
  finish(channel: 'IN' | 'OUT'): void;
  /** While true the server reads nothing more from IN: it pushes back. */
  paused: boolean;
};

type Virtual = {
  cookie: string;
  IN?: Connection;
  OUT?: Connection;
  server: string;
  isOver: boolean;
  /** Becomes true when both channels are there, false when the wait for the second was in vain. */
  open: Promise<boolean>;
  settle(open: boolean): void;
  shown?: ServerVirtualConnection;
};

export type RpcProxy = {
  /** Serves a request whose sender was let in; the connection is used up when it returns `close`. */
  serve(connection: Connection, request: Request, user: string | undefined): Promise<'keep' | 'close'>;
  readonly virtualConnections: readonly ServerVirtualConnection[];
};

export function createRpcProxy(note: Note): RpcProxy {
  const virtuals = new Map<string, Virtual>();

  function virtualOf(cookie: string): Virtual {
    const known = virtuals.get(cookie);
    if (known !== undefined) return known;
    let settle = (_open: boolean) => {};
    const open = new Promise<boolean>((resolve) => {
      settle = resolve;
    });
    const virtual: Virtual = { cookie, server: '', isOver: false, open, settle };
    const timer = setTimeout(() => settle(false), PAIRING_PATIENCE);
    void open.then(() => clearTimeout(timer));
    virtuals.set(cookie, virtual);
    return virtual;
  }

  /** MS-RPCH 3.2.4.5.3: CONN/C2 leaves when both channels are there, in whichever order they came. */
  async function openIfPaired(virtual: Virtual, user: string | undefined): Promise<void> {
    const { IN, OUT, cookie, server } = virtual;
    if (IN === undefined || OUT === undefined || virtual.shown !== undefined) return;
    virtual.shown = shownOf(virtual); // before the first wait: both channels come through here
    await OUT.send(connC2(RECEIVE_WINDOW, CONNECTION_TIMEOUT));
    note(OUT, { kind: 'virtual-connection-open', cookie, server, ...(user !== undefined && { user }) });
    virtual.settle(true);
  }

  /** When one channel ends, the server ends the other (MS-RPCH 3.2.4.5.13). */
  function end(virtual: Virtual, by: 'IN' | 'OUT', connection: Connection): void {
    if (virtual.isOver) return;
    virtual.isOver = true;
    virtuals.delete(virtual.cookie);
    virtual.settle(false);
    note(connection, { kind: 'virtual-connection-closed', cookie: virtual.cookie, by });
    virtual.OUT?.finish();
    virtual.IN?.finish();
  }

  /** The first PDU of a channel, which must be the one named, and the virtual connection its cookie names. */
  async function greet(connection: Connection, name: RtsName, channel: 'IN' | 'OUT'): Promise<Virtual | undefined> {
    const taken = await takePdu(connection.inlet, PAIRING_PATIENCE);
    const read = taken.kind === 'bytes' ? decodeRts(taken.bytes) : { kind: 'bad' as const, message: taken.kind };
    const cookie = read.kind === 'rts' && read.name === name ? bytesOf(read, 'Cookie')[0] : undefined;
    if (cookie === undefined) {
      const met = read.kind === 'rts' ? read.name : read.message;
      note(connection, { kind: 'refused', status: 503, why: `${channel}: expected ${name}, met ${met}` });
      return undefined;
    }
    note(connection, { kind: 'pdu', channel, name, bytes: taken.bytes.length });
    return virtualOf(cookie.toString('hex'));
  }

  async function serveOut(connection: Connection, request: Request, user: string | undefined): Promise<void> {
    const virtual = await greet(connection, 'CONN/A1', 'OUT');
    if (virtual === undefined) return refuseEarly(connection, request, { status: 503, reason: 'RPC Error: 6c0' });
    virtual.server = request.query;
    // CONN/A3 at once, before anything is known of IN (MS-RPCH 3.2.3.5.2): a proxy that waits for more deadlocks here.
    await connection.send(
      composeHead('HTTP/1.1 200 Success', [
        STAND_IN,
        ['Content-Type', 'application/rpc'],
        ['Content-Length', String(CHANNEL_LENGTH)],
      ]),
    );
    await connection.send(connA3(CONNECTION_TIMEOUT));
    if (virtual.isOver) return; // IN came and went meanwhile
    virtual.OUT = connection; // only now, or IN could open the virtual connection ahead of A3
    await openIfPaired(virtual, user);
    await connection.inlet.rest(SILENCE); // the body is complete; what is left to come is the end
    end(virtual, 'OUT', connection);
  }

  async function serveIn(connection: Connection, request: Request, user: string | undefined): Promise<void> {
    const virtual = await greet(connection, 'CONN/B1', 'IN');
    if (virtual === undefined) return refuseEarly(connection, request, { status: 503, reason: 'RPC Error: 6c0' });
    virtual.IN = connection;
    await openIfPaired(virtual, user);
    while (await hear(virtual, connection));
    end(virtual, 'IN', connection);
  }

  /** One PDU of IN: an RTS PDU is noted, any other said back on OUT byte for byte. False at the end of the channel. */
  async function hear(virtual: Virtual, connection: Connection): Promise<boolean> {
    while (virtual.shown?.paused && !virtual.isOver) await new Promise((resolve) => setTimeout(resolve, 10));
    const taken = await takePdu(connection.inlet, SILENCE);
    if (taken.kind !== 'bytes') return false;
    const rts = ptypeOf(taken.bytes) === PTYPE.rts ? decodeRts(taken.bytes) : undefined;
    const name = rts?.kind === 'rts' ? rts.name : 'RPC';
    note(connection, { kind: 'pdu', channel: 'IN', name, bytes: taken.bytes.length });
    if (rts !== undefined) return true;
    return (await virtual.open) && virtual.OUT !== undefined && (await virtual.OUT.send(taken.bytes));
  }

  return {
    get virtualConnections() {
      return [...virtuals.values()].flatMap(({ shown }) => (shown ? [shown] : []));
    },
    async serve(connection, request, user) {
      const { framing, method } = request;
      if (framing.kind !== 'length') {
        note(connection, { kind: 'refused', status: 411, why: 'a channel announces its length (MS-RPCH 2.1.2.1)' });
        await refuseEarly(connection, request, { status: 411, reason: 'Length Required' });
        return 'close';
      }
      await sendContinue(connection, request);
      if (framing.bytes <= ECHO_LENGTH) {
        const body = await connection.inlet.exactly(framing.bytes, PAIRING_PATIENCE);
        if (body.kind !== 'bytes') return 'close';
        const head = composeHead('HTTP/1.1 200 Success', [
          STAND_IN,
          ['Content-Type', 'application/rpc'],
          ['Content-Length', String(ECHO.length)],
        ]);
        return (await connection.send(Buffer.concat([head, ECHO]))) && request.persistent ? 'keep' : 'close';
      }
      await (method === 'RPC_IN_DATA' ? serveIn : serveOut)(connection, request, user);
      return 'close';
    },
  };
}

function shownOf(virtual: Virtual): ServerVirtualConnection {
  return {
    cookie: virtual.cookie,
    server: virtual.server,
    send: async (pdu) => (await virtual.OUT?.send(pdu)) ?? false,
    ping: async () => (await virtual.OUT?.send(PING)) ?? false,
    reset: (channel) => virtual[channel]?.reset(),
    finish: (channel) => virtual[channel]?.finish(),
    paused: false,
  };
}
