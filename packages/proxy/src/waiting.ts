// Room: connections that have asked for nothing yet: their TLS handshake or first request head is not complete. Each holds memory for
// as long as its client likes, so a process keeps a limited number of them, and beyond it the client with most of them makes room:
// whoever asks in time is served, however many do not. Nothing is looked at any more once a connection has asked.
import type { Socket } from 'node:net';
import type { Limits } from '@outrigger/rules';
import type { LogRecord } from './accesslog.ts';
import { clientOf } from './clients.ts';

/** Closed; each has its line in the README. */
export type WaitingCode = 'TOO_MANY_WAITING' | 'WAITING_ENOUGH_ROOM';

/** Milliseconds without a connection that had to make room, after which the log says that it is over: long beside the lulls of a flood. */
const CALM = 60_000;

/** What is asked of a connection: its end, without unsent bytes or a socket of the kernel that stays behind (TCP RST). */
export type Closable = Pick<Socket, 'resetAndDestroy'>;

export type Waiting = {
  /** Goes by this limit from now on; where more are waiting, the next one that comes closes them. */
  heed(limits: Pick<Limits, 'waitingConnections'>): void;
  /**
   * One more that has not asked yet, from this address. Where it is one too many, the client (clientOf()) with most of them loses the
   * one that has waited longest: who floods the door closes his own, not a visitor's.
   */
  enter(connection: Closable, address: string): void;
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
  const crowd = createCrowd();
  const closed = new WeakSet<Closable>();
  /** There while there is no room; told of when it begins and when it is over, not by connection. */
  let episode: { began: number; last: number; closed: number } | undefined;

  function close(connection: Closable, at: number): void {
    crowd.remove(connection);
    closed.add(connection);
    connection.resetAndDestroy();
    if (episode === undefined) {
      tell(
        at,
        'warning',
        'TOO_MANY_WAITING',
        `${limit} connections wait for their first request, and each further one closes the oldest of the client with most. ` +
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
    enter(connection, address) {
      crowd.add(connection, clientOf(address));
      if (episode === undefined && crowd.size() <= limit) return;
      const at = now();
      tellCalm(at);
      while (crowd.size() > limit) {
        const oldest = crowd.oldestOfMost();
        if (oldest === undefined) break;
        close(oldest, at);
      }
    },
    leave: (connection) => crowd.remove(connection),
    madeRoom: (connection) => closed.has(connection),
  };
}

/** Connections by client. Each change moves one client by one, so that the one with most is known without a look at the others. */
function createCrowd() {
  const owners = new Map<Closable, string>();
  /** Of each client, in the order in which they came. */
  const queues = new Map<string, Set<Closable>>();
  /** At each number, the clients that have so many; who has had so many for longest stands first. */
  const ranks: Set<string>[] = [];
  let most = 0;

  function move(client: string, from: number, to: number): void {
    ranks[from]?.delete(client);
    if (to > 0) {
      ranks[to] ??= new Set();
      ranks[to].add(client);
    }
    if (to > most) most = to;
    else if (from === most && ranks[from]?.size === 0) most = to;
  }

  return {
    size: (): number => owners.size,
    add(connection: Closable, client: string): void {
      const queue = queues.get(client) ?? new Set();
      queues.set(client, queue);
      owners.set(connection, client);
      queue.add(connection);
      move(client, queue.size - 1, queue.size);
    },
    /** Does nothing for one that is not there. */
    remove(connection: Closable): void {
      const client = owners.get(connection);
      const queue = client === undefined ? undefined : queues.get(client);
      if (client === undefined || queue === undefined) return;
      owners.delete(connection);
      queue.delete(connection);
      move(client, queue.size + 1, queue.size);
      if (queue.size === 0) queues.delete(client);
    },
    /** Undefined where nobody waits. */
    oldestOfMost(): Closable | undefined {
      const [client = ''] = ranks[most] ?? [];
      const [oldest] = queues.get(client) ?? [];
      return oldest;
    },
  };
}
