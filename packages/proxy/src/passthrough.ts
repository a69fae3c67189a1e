// Room: a TLS connection that is not ended here: its bytes go to a server as they come, unread, both ways, until either side has had
// enough. No rule sees inside; what is known is who came, which name they asked for, and how much passed.
import type { PassThroughRecord } from './accesslog.ts';
import { affinityOf } from './affinity.ts';
import type { ClientConnection, Runtime } from './connection.ts';
import { upstreamFailure } from './failure.ts';
import { hearLastWords } from './lastwords.ts';
import { Leg } from './leg.ts';
import type { Ends } from './proxyheader.ts';
import type { Ending } from './relay.ts';
import { watchSilence } from './silence.ts';

export type PassThroughRequest = {
  /** Paused; the first bytes are the ClientHello. */
  client: Leg;
  ends: Ends;
  /** Name of the listener, the name the client asked for, and the upstream it goes to. */
  listener: string;
  serverName: string;
  upstream: string;
};

/** Dials, carries, reports. */
export function passThrough(request: PassThroughRequest, runtime: Runtime): ClientConnection {
  const { client } = request;
  const cancel = new AbortController();
  const gone = new Promise<void>((resolve) => {
    if (client.gone) resolve();
    client.stream.once('close', () => {
      cancel.abort('the client is gone');
      resolve();
    });
  });
  const carried = carry(request, runtime, cancel.signal).catch((bug) => {
    const message = `a bug of ours ended this connection: ${bug instanceof Error ? bug.stack : bug}`;
    runtime.report({
      kind: 'notice',
      at: runtime.now(),
      severity: 'error',
      listener: request.listener,
      code: 'BUG',
      message,
    });
    client.destroy();
  });
  return {
    done: Promise.all([carried, gone]).then(() => {}),
    // Between two requests, where there is one, nobody can see.
    retire() {},
    renew() {},
    destroy: () => client.destroy(),
  };
}

async function carry(request: PassThroughRequest, runtime: Runtime, cancel: AbortSignal): Promise<void> {
  const { client, ends, listener, serverName, upstream: name } = request;
  const { now, report, generation } = runtime;
  const upstream = generation.rules.ruleSet.upstreams.get(name);
  const dialler = generation.diallers.get(name);
  if (upstream === undefined || dialler === undefined)
    throw new Error(`a pass-through to nowhere passed the loader: ${name}`);
  const { address, port } = ends.source;
  const record: PassThroughRecord = {
    kind: 'passThrough',
    at: now(),
    milliseconds: 0,
    client: `${address}:${port}`,
    listener,
    serverName,
    upstream: name,
    bytesUp: 0,
    bytesDown: 0,
    ending: { how: 'closed', by: 'client' },
  };
  // Both channels of a virtual connection may be in here: a client belongs to one server by its address.
  const affinity = affinityOf(upstream, { client: address, fields: [] }, true);
  const belongsTo = affinity.by === 'client' ? { belongsTo: affinity.key } : {};
  const dialled = await dialler.dialUnread({ host: serverName, ends, ...belongsTo }, cancel);
  if (dialled.kind === 'failed') {
    record.server = dialled.server;
    record.ending = { how: 'refused', by: 'proxy' };
    record.code = dialled.failure.code;
    record.message = dialled.failure.message;
    client.reset();
  } else if (dialled.kind === 'connected') {
    record.server = dialled.server;
    const server = new Leg(dialled.socket);
    hearLastWords(dialled.socket, (error) => {
      server.error = error;
    });
    record.ending = await pump(client, server, record, upstream.timeouts);
    const { error } = server;
    if (error !== undefined && record.ending.by === 'server') {
      const { code, message } = upstreamFailure(error, `${name} (${dialled.server})`);
      record.code = code;
      record.message = message;
    }
  }
  record.milliseconds = now() - record.at;
  report(record);
}

/** Both ways at once. FIN passes as FIN, a break as a break; `timeouts`: milliseconds of silence both ways. Resolves when the legs are let go. */
function pump(
  client: Leg,
  server: Leg,
  count: { bytesUp: number; bytesDown: number },
  timeouts: { idle: number; tunnelIdle: number },
): Promise<Ending> {
  return new Promise((resolve) => {
    let firstToEnd: Ending['by'] | undefined;
    const finish = (ending: Ending, broken: boolean): void => {
      watch.stop();
      for (const leg of [client, server]) {
        leg.listen(undefined);
        if (broken) leg.reset();
        else void leg.linger();
      }
      resolve(ending);
    };
    const watch = watchSilence(
      timeouts.tunnelIdle,
      () => count.bytesUp + count.bytesDown,
      () => finish({ how: 'silent', by: 'proxy' }, true),
    );
    const join = (from: Leg, to: Leg, side: 'client' | 'server', counted: (bytes: number) => void): void => {
      from.listen({
        data(chunk) {
          counted(chunk.length);
          if (!to.write(chunk)) from.pause();
        },
        end() {
          firstToEnd ??= side;
          // Who has said all waits for a last answer, not for hours.
          watch.limit(timeouts.idle);
          if (to.ended) finish({ how: 'closed', by: firstToEnd }, false);
          else to.finish();
        },
        drain: () => to.resume(),
        close() {
          const broken = from.error !== undefined || !from.ended;
          finish({ how: broken ? 'reset' : 'closed', by: broken ? side : (firstToEnd ?? side) }, broken);
        },
      });
    };
    join(client, server, 'client', (bytes) => {
      count.bytesUp += bytes;
    });
    join(server, client, 'server', (bytes) => {
      count.bytesDown += bytes;
    });
    if (client.gone || server.gone) {
      finish({ how: 'closed', by: client.gone ? 'client' : 'server' }, true);
      return;
    }
    const early = client.takeHeld();
    if (early !== undefined) {
      count.bytesUp += early.length;
      server.write(early);
    }
    client.resume();
    server.resume();
  });
}
