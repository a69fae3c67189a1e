// Room: what holds where a rules file is silent, each with its reason.

/** Methods of MS-RPCH 2.1.2.1 and MS-TSGU 3.3.5.1, plus the two that intrusion sensors list beside them (field case 20). */
export const TUNNEL_METHODS = [
  'RPC_IN_DATA',
  'RPC_OUT_DATA',
  'RPC_CONNECT',
  'RPC_ECHO_DATA',
  'RDG_IN_DATA',
  'RDG_OUT_DATA',
] as const;

/** Values that hold where a rules file is silent. Durations in milliseconds, sizes in bytes. */
export const DEFAULTS = {
  /** Request line, bytes. Above any URL Exchange or a browser makes; below what one line could use to fill memory. */
  requestLine: 64 * 1024,
  /** Whole request head, bytes. Kerberos tokens reach tens of KiB and one browser may carry two (field cases 44, 83). */
  head: 128 * 1024,
  /** From the first byte of a head to its end. A person's slowest network needs seconds; a slow-head attack wants hours. */
  headTime: 60_000,
  /** Silence between two requests of a client connection. IIS drops idle connections after 120 s; it should be the one to. */
  keepAlive: 180_000,
  /** Connections of one client open at once. Outlook opens 10 to 20; an office of 200 behind one address has 4,000. */
  connectionsPerClient: 4_096,
  /**
   * Connections of one process that have asked for nothing yet. Over TLS these and those that come again in their place take
   * up to 400 MiB on Node 26, which keeps a process under 600 in all; as many as one client may have open.
   */
  waitingConnections: 4_096,
  /** TCP and TLS with a server. Longer than two lost SYNs (3 s), shorter than a person's patience. */
  connect: 10_000,
  /** From the end of a request head to the first byte of its answer. ActiveSync polls are held for an hour (field case 69). */
  answer: 65 * 60_000,
  /** Silence in both directions inside an ordinary exchange. As long as a held poll, for the same reason. */
  idle: 65 * 60_000,
  /** Silence in both directions on a channel. Exchange pings within 30 minutes; appliances settle on hours (field cases 8, 9). */
  tunnelIdle: 10 * 3_600_000,
  /** Between two health checks of a server. Two failures mark it down: half a minute, as load balancers for Exchange have it. */
  healthInterval: 10_000,
  /** For a health check from the first SYN to its answer. A server that needs longer for a page made for this is not well. */
  healthTimeout: 5_000,
} as const;
