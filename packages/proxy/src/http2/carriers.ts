// Room: the carriers of one HTTP/2 client: in-memory HTTP/1.1 connections into the connection loop, each for one stream at a time. To
// the loop a carrier is a client connection like any other, so heads, rules, lanes, limits and the log are in one place. Carriers
// are kept for the next stream of the same client and never lent to another, so the connections to servers behind them are not.
import { Agent } from 'node:http';
import { duplexPair } from 'node:stream';
import { type ClientConnection, type Runtime, serveConnection } from '../connection.ts';
import { Leg } from '../leg.ts';
import type { Origin } from '../verdict.ts';

export type Carriers = {
  /** Hands out a carrier for each request, a kept one where there is one. */
  agent: Agent;
  /** Ends all carriers and what is under way on them; resolves when they are gone. */
  close(): Promise<void>;
};

/** What node's agent asks of a kept socket, and memory has not. How long a carrier may rest is the loop's to say. */
const AS_SOCKET = { setKeepAlive() {}, setTimeout() {}, ref() {}, unref() {} };

/** As many carriers as streams are under way at once. */
export function openCarriers(origin: Origin, runtime: Runtime): Carriers {
  const serving = new Set<ClientConnection>();
  const agent = new Agent({ keepAlive: true });
  Object.assign(agent, {
    createConnection() {
      const [outer, inner] = duplexPair();
      // Either side's end is the other's: a carrier that is half closed carries no further request.
      outer.once('end', () => outer.destroy());
      outer.once('close', () => inner.destroy());
      // A body that ends with its connection must not look whole: node takes any end but an error for one.
      const breakOff = (): unknown =>
        outer.destroy(outer.readableEnded ? undefined : new Error('the answer was broken off'));
      inner.once('close', breakOff);
      const connection = serveConnection(new Leg(inner, breakOff), origin, runtime);
      serving.add(connection);
      connection.done.finally(() => serving.delete(connection));
      return Object.assign(outer, AS_SOCKET);
    },
  });
  return {
    agent,
    async close() {
      agent.destroy();
      for (const connection of serving) connection.destroy();
      await Promise.all([...serving].map(({ done }) => done));
    },
  };
}
