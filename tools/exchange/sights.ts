// Room: what the stand-in Exchange saw and did, as data for tests to assert on.
import type { Accepted } from '../acceptor.ts';
import type { Fields } from '../message.ts';

/** One thing seen. Values are as they came: an Authorization field is in `fields`, so events are not for printing. */
export type Sight =
  | { kind: 'connected'; from: string; tls?: Accepted['tls'] }
  | { kind: 'request'; method: string; target: string; version: string; fields: Fields; user?: string }
  /** A body read to its end, or to where it broke off. Lower-case hex of the SHA-256 of what came. */
  | { kind: 'body'; bytes: number; whole: boolean; sha256: string }
  /** A 401 with a nonce (8 bytes, hex) that holds for this connection only. */
  | { kind: 'challenged'; nonce: string }
  | { kind: 'authenticated'; scheme: 'ntlm' | 'basic'; user: string }
  | { kind: 'refused'; status: number; why: string }
  /** A type 3 on a connection that it does not belong to. `nonceOf`: the connection whose nonce it answers, where known. */
  | { kind: 'ntlm-split'; nonceOf?: number }
  | { kind: 'pdu'; channel: 'IN' | 'OUT'; name: string; bytes: number }
  /** CONN/C2 went out: both channels are there. Lower-case hex of the virtual connection's cookie. */
  | { kind: 'virtual-connection-open'; cookie: string; server: string; user?: string }
  | { kind: 'virtual-connection-closed'; cookie: string; by: 'IN' | 'OUT' }
  /** The client's side of a connection is over: FIN, or the code of what happened instead. */
  | { kind: 'over'; how: 'FIN' | string };

/** `at`: milliseconds since the stand-in started. `connection`: counted from 1 in the order of arrival. */
export type ExchangeEvent = Sight & { at: number; connection: number };

/** The server's half of a connection, and who is logged in on it. */
export type Connection = Accepted & {
  readonly id: number;
  /** `DOMAIN\user` from an NTLM login, which lasts as long as the connection (MS-NTHT 1.3). */
  user?: string;
  /** The nonce of the type 2 that this connection has been given and not answered yet. */
  nonce?: Buffer;
};

export type Note = (connection: Connection, sight: Sight) => void;
