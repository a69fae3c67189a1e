// Room: the words of the experiment: what is asked, and what came of it on one side. Types alone, no I/O.
import type { SourceRef } from '@outrigger/rules';

/** Field lines in order, names as spelled; latin1: one character is one byte. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** One request, to be put to both sides. */
export type Probe = {
  /** Name of the entrance it goes to. */
  entrance: string;
  /** Address the request comes from, as rules and acls see it. */
  client: string;
  method: string;
  target: string;
  /** Absent: a request of HTTP/1.0 without Host. */
  host?: string;
  fields: Fields;
};

/** A request that arrived at a stand-in server, as it arrived; `tls` where it came over TLS, with the name in SNI. */
export type Reached = {
  server: string;
  method: string;
  target: string;
  version: string;
  fields: Fields;
  tls?: { serverName?: string };
};

/**
 * What came of a probe. `answered` with a status, and fields and body, where they are compared · `reset` or `closed` before any byte of an answer · `silent`: nothing came in
 * time. `reached` are the servers that got the request, in order; `code` is Outrigger's own word for why it refused.
 */
export type Outcome = { reached: readonly Reached[]; code?: string } & (
  | { kind: 'answered'; status: number; fields?: Fields; body?: string }
  | { kind: 'reset' | 'closed' | 'silent' }
);

/** A door at which both sides take requests: a port of the old config, and the listener that stands for it. */
export type Entrance = {
  /** What the old config calls it; probes go by this name. */
  name: string;
  /** `HOST:PORT`, `*` for every address, as the old config has it. */
  address: string;
  tls: boolean;
  /** The line of the old config. */
  at: SourceRef;
};

/** Something that takes probes: the real daemon on a private copy of its config, or Outrigger on the rules. */
export type Side = {
  /** For a person: `Squid 5.7`. */
  readonly name: string;
  /** Puts one probe and waits for its end. One at a time: what reaches a server meanwhile is the probe's. */
  ask(probe: Probe): Promise<Outcome>;
  /** Ends it and leaves nothing behind. */
  stop(): Promise<void>;
};

/** The method, target and Host of a probe as one line for a person. */
export function probeText({ method, target, host, client, entrance, fields }: Probe): string {
  const extra = fields.map(([name, value]) => `, ${name}: ${value}`).join('');
  return `${method} ${target} (Host ${host ?? 'absent'}${extra}, from ${client}, on ${entrance})`;
}

/** The bytes of a probe; `more` are fields a side needs to be told who the client is. */
export function probeBytes({ method, target, host, fields }: Probe, more: Fields = []): Buffer {
  // A length of 0 keeps methods that Squid knows to have bodies content.
  const bodyless = /^(?:GET|HEAD)$/i.test(method);
  const lines = [
    `${method} ${target} HTTP/${host === undefined ? '1.0' : '1.1'}`,
    ...(host === undefined ? [] : [`Host: ${host}`]),
    ...[...fields, ...more].map(([name, value]) => `${name}: ${value}`),
    ...(host === undefined ? [] : ['Connection: close']),
    ...(bodyless ? [] : ['Content-Length: 0']),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** SNI of a client that asks for this host: a name, never an address (RFC 6066 3). */
export function serverNameOf({ host = '' }: Probe): string | undefined {
  const name = host.replace(/:\d*$/, '').replace(/\.$/, '');
  return /^(?=.*[a-z])[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/i.test(name) ? name : undefined;
}
