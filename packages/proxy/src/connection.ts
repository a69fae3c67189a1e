// Room: one client connection's life. It owns the socket from the first byte to the last: read a head, have it answered, come
// back for the next head. Every head is judged anew, so no tunnel becomes a hole in the rules.
import { type Listener, listenerName } from '@outrigger/rules';
import type { LogRecord, NoticeRecord } from './accesslog.ts';
import type { Clients } from './clients.ts';
import { type After, exchange, type Session } from './exchange.ts';
import type { Generation } from './generation.ts';
import { headWait } from './headwait.ts';
import { type BadHead, type HeadCode, type RequestHead, requestHeadReader } from './http1/head.ts';
import { replyBytes } from './http1/reply.ts';
import type { Leg } from './leg.ts';
import { createPins } from './pins.ts';
import type { Origin } from './verdict.ts';
import type { Waiting } from './waiting.ts';

/** What a connection tells beside its requests, and every HeadCode. Closed; each has its line in the README. */
export type ConnectionCode = HeadCode | 'HEAD_TIMEOUT' | 'HEAD_CUT' | 'LOGIN_UNFINISHED' | 'BUG';

/** Judged from one connection: the scheme, the password or a path that changes connections, in the order of likelihood. */
const LOGIN_UNFINISHED =
  'the server asked an RPC client to log in, and the client left. It knows none of the offered schemes, has no password, ' +
  'or sent its next round on another connection.';

/**
 * What the connections of one listener share. A reload puts the next generation in here: it holds from the next head of each
 * connection on, and what is under way goes on with the one it took.
 */
export type Runtime = {
  generation: Generation;
  /** The listener as that generation has it. */
  listener: Listener;
  /** What each client takes of all this. */
  clients: Clients;
  /** Connections that have asked for nothing yet. */
  waiting: Waiting;
  report: (record: LogRecord) => void;
  logAccess: Session['logAccess'];
  /** Milliseconds since 1970. */
  now: () => number;
};

export type ClientConnection = {
  /** Resolves when the client's socket is closed; the upstream connections behind it are closed with it. */
  readonly done: Promise<void>;
  /** Closes between two requests: now where none is under way. */
  retire(): void;
  /** Rules were read again: ends like `retire` where what was granted at its start may not be granted now. */
  renew(): void;
  /** Closes now, whatever is under way. */
  destroy(): void;
};

/** Serves a client until either side has had enough. `asked` is called once, when its first head is read. */
export function serveConnection(
  client: Leg,
  origin: Origin,
  runtime: Runtime,
  asked: () => void = () => {},
): ClientConnection {
  const { generation, report, logAccess, now } = runtime;
  const { limits } = generation.rules.ruleSet;
  const pins = { relay: createPins(), rewrite: createPins() };
  const session: Session = { client, origin, generation, pins, report, logAccess, now, loginOpen: false };
  const heads = headWait(client, requestHeadReader(limits), limits);
  let waiting = true;
  let retired = false;

  // A client that is gone ends what is under way for it at once: exchanges, idle connections, a dial.
  client.stream.once('close', closePins);

  async function serve(): Promise<void> {
    let after: After = 'next';
    while (after === 'next' && !retired) {
      const next = await heads.next();
      switch (next.kind) {
        case 'head':
          if (waiting) asked();
          waiting = false;
          session.generation = runtime.generation;
          origin.listener = runtime.listener;
          after = runtime.clients.mayAsk(origin.address) ? await exchange(next.head, session) : refuseBusy(next.head);
          break;
        case 'bad':
          after = refuseHead(next);
          break;
        case 'slow':
          client.write(replyBytes(408));
          after = 'finish';
          notice(
            'HEAD_TIMEOUT',
            `a request head was not complete within ${limits.headTime} ms; limits.headTime is the limit.`,
          );
          break;
        case 'ended':
          if (next.cut) notice('HEAD_CUT', 'the client ended the connection inside a request head.');
          after = 'finish';
          break;
        case 'gone':
          after = 'gone';
          break;
        case 'idle':
        case 'retired':
          after = 'finish';
          break;
      }
    }
    heads.stop();
    if (session.loginOpen) notice('LOGIN_UNFINISHED', LOGIN_UNFINISHED);
    if (after === 'reset') client.reset();
    else if (after !== 'gone') await client.linger();
    closePins();
  }

  function refuseHead(bad: BadHead): After {
    // CONNECT is a method we know and refuse, whatever its target (RFC 9110 15.5.6).
    const status = bad.code === 'CONNECT' ? 405 : bad.status;
    client.write(replyBytes(status, status === 405 ? { headers: [['Allow', 'GET, HEAD, POST']] } : {}));
    notice(bad.code, `${bad.message} Answered ${status}; the connection ends.`);
    return 'finish';
  }

  /** RFC 6585 4. Told once a minute, not for each request: a log that fills up is what some floods are for. */
  function refuseBusy({ method }: RequestHead): After {
    client.write(replyBytes(429, { method, headers: [['Retry-After', '1']] }));
    return 'finish';
  }

  function notice(code: ConnectionCode, message: string, severity: NoticeRecord['severity'] = 'warning'): void {
    const { listener, address, port } = origin;
    const place = { client: `${address}:${port}`, listener: listenerName(listener) };
    report({ kind: 'notice', at: now(), severity, ...place, code, message });
  }

  /** One connection's bug is not the end of all the others. */
  function failed(bug: unknown): void {
    notice('BUG', `a bug of ours ended this connection: ${bug instanceof Error ? bug.stack : bug}`, 'error');
    heads.stop();
    client.destroy();
    closePins();
  }

  function closePins(): void {
    pins.relay.close();
    pins.rewrite.close();
  }

  return {
    done: serve().catch(failed),
    retire() {
      retired = true;
      heads.retire();
    },
    // Each head is judged by the rules of its time anyway.
    renew() {},
    destroy: () => client.destroy(),
  };
}
