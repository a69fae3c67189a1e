// Room: what an oracle is: the real daemon, asked. `squid.ts` makes one; another daemon is another file with the same door.
import type { Diagnostic, SourceRef } from '@outrigger/rules';
import type { Entrance, Side } from './probe.ts';

/** A server of the old config. Both sides reach a stand-in for it, never the server itself. */
export type OldServer = {
  /** What the old config calls it, and what a probe says it reached. */
  name: string;
  /** `http://HOST:PORT` or `https://HOST:PORT`. */
  url: string;
  /** Names and addresses that its certificate may be checked for. */
  names?: readonly string[];
  /** Balancers that may choose it: any of theirs is as good. */
  balancers?: readonly Membership[];
  at: SourceRef;
};

/** That a server is one of a balancer's; `path` stands in front of the paths that come to it there, `` for nothing. */
export type Membership = { balancer: string; path: string };

/** A line that the private copy does without, and why. */
export type TakenOut = Diagnostic<'COMMAND_TAKEN_OUT' | 'MACHINE_TAKEN_OUT' | 'DIRECT_TAKEN_OUT'>;

/** What an old config is, for the experiment: read once, pure, before any daemon is started. */
export type OldConfig = {
  entrances: readonly Entrance[];
  servers: readonly OldServer[];
  takenOut: readonly TakenOut[];
};

/** A running daemon on a private copy of its config. Its pid, ports, logs and shared memory are its own. */
export type Oracle = Side & {
  readonly config: OldConfig;
  /** The address at which an entrance takes connections here, where that may be a name of the host. */
  addressOf?(entrance: string): string | undefined;
};

/** Why there is no oracle. `said` are the daemon's own words, places in them as in the file, secrets masked. */
export type OracleProblem = {
  code: 'DAEMON_MISSING' | 'CONFIG_REFUSED' | 'DAEMON_SILENT';
  message: string;
  said?: string;
};

export type OracleStart = { kind: 'ready'; oracle: Oracle } | { kind: 'failed'; problem: OracleProblem };

/** A certificate for stand-in servers and the authority behind it, as PEM. */
export type ServerPem = Pem & { ca: string };

/** A throwaway certificate for entrances that speak TLS, as PEM. Nobody checks it. */
export type Pem = { cert: string; key: string };
