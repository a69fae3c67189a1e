// Room: connections that have asked for nothing yet: their TLS handshake or first request head is not complete. Each holds memory for
// as long as its client likes, so a process keeps a limited number of them, and beyond it the one that has waited longest makes room:
// whoever asks in time is served, however many do not. Nothing is looked at any more once a connection has asked.
import type { Socket } from 'node:net';
import type { Limits } from '@outrigger/rules';
import type { LogRecord } from './accesslog.ts';

/** Closed; each has its line in the README. */
export type WaitingCode = 'TOO_MANY_WAITING' | 'WAITING_ENOUGH_ROOM';

/** Milliseconds without a connection that had to make room, after which the log says that it is over: long beside the lulls of a flood. */
const CALM = 60_000;

/** What is asked of a connection: its end, without unsent bytes or a socket of the kernel that stays behind (TCP RST). */
export type Closable = Pick<Socket, 'resetAndDestroy'>;

export type Waiting = {
  /** Goes by this limit from now on; where more are waiting, the next one that comes closes them. */
  heed(limits: Pick<Limits, 'waitingConnections'>): void;
  /** One more that has not asked yet. Closes whoever has waited longest where it is one too many. */
  enter(connection: Closable): void;
  /** It has asked, or it is closed. */
  leave(connection: Closable): void;
  /** True for one that had to make room: the end of it is nothing its client did. */
  madeRoom(connection: Closable): boolean;
};

/** Counts anew for one edge. `now`: milliseconds since 1970. */
export function createWaiting(
  first: Pick<Limits, 'waitingConnections'>,
  report: (record: LogRecord) => void,
  now: () => number,
): Waiting {
  let limit = first.waitingConnections;
  /** In the order in which they came. */
  const waiting = new Set<Closable>();
  const closed = new WeakSet<Closable>();
  /** There while there is no room; told of when it begins and when it is over, not by connection. */
  let episode: { began: number; last: number; closed: number } | undefined;

  function close(connection: Closable, at: number): void {
    waiting.delete(connection);
    closed.add(connection);
    connection.resetAndDestroy();
    if (episode === undefined) {
      tell(
        at,
        'warning',
        'TOO_MANY_WAITING',
        `${limit} connections wait for their first request, and each further one closes the one that has waited longest. ` +
          'Clients that connect and ask for nothing are an attack or a scan: let the firewall limit new connections of one ' +
          'address. Many visitors at once need more: limits.waitingConnections is the limit of each worker.',
      );
      episode = { began: at, last: at, closed: 0 };
    }
    episode.last = at;
    episode.closed += 1;
  }

  function tellCalm(at: number): void {
    if (episode === undefined || at - episode.last < CALM) return;
    const seconds = Math.ceil((episode.last - episode.began) / 1_000);
    const message = `there is room again for connections that wait for their first request; ${episode.closed} were closed in ${seconds} s.`;
    tell(at, 'note', 'WAITING_ENOUGH_ROOM', message);
    episode = undefined;
  }

  function tell(at: number, severity: 'warning' | 'note', code: WaitingCode, message: string): void {
    report({ kind: 'notice', at, severity, code, message });
  }

  return {
    heed({ waitingConnections }) {
      limit = waitingConnections;
    },
    enter(connection) {
      waiting.add(connection);
      if (episode === undefined && waiting.size <= limit) return;
      const at = now();
      tellCalm(at);
      for (const oldest of waiting) {
        if (waiting.size <= limit) break;
        close(oldest, at);
      }
    },
    leave: (connection) => void waiting.delete(connection),
    madeRoom: (connection) => closed.has(connection),
  };
}
