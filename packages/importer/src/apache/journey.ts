// Room: the words for one request on its way through Apache: what is asked, what holds for it, how it ends.
import type { Server, Servers } from './servers.ts';
import type { ConfigNode, Directive, Section } from './tree.ts';
import type { Accepted } from './vhosts.ts';

export type ApacheRequest = {
  accepted: Accepted;
  isTls: boolean;
  method: string;
  /** The request target in origin form, as sent. */
  target: string;
  /** The Host as sent. */
  host: string;
  client: string;
  fields: readonly (readonly [name: string, value: string])[];
};

/** `local`: answered from files, by a handler, or not found. `target` and `host` are those of the request that is sent on. */
export type Outcome =
  | { kind: 'proxied'; origin: string; target: string; host: string; line: Directive }
  | { kind: 'redirected'; status: number; location: string }
  | { kind: 'denied' }
  | { kind: 'status'; status: number }
  | { kind: 'local' }
  | { kind: 'unknown'; reason: string; line?: ConfigNode };

/** What holds for one request on its way. */
export type Journey = {
  servers: Servers;
  server: Server;
  request: ApacheRequest;
  path: string;
  query: string | undefined;
  sections: Section[];
};
