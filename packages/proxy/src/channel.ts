// Room: what the end of a channel says about its handshake, judged from this one connection alone. No state is kept across
// channels: a proxy that tied IN and OUT together broke pairs whose one leg met a 401 (field case 5).

/** Bytes of the RTS PDUs that open a virtual connection (MS-RPCH 2.2.4.2, 2.2.4.4, 2.2.4.5, 2.2.4.9). */
const CONN_A1 = 76;
const CONN_A3 = 28;
const CONN_B1 = 104;
const CONN_C2 = 44;

/** Closed; each has its line in the README. */
export type ChannelCode =
  | 'CHANNEL_LOGIN_REFUSED'
  | 'CHANNEL_REFUSED'
  | 'CHANNEL_NO_B1'
  | 'CHANNEL_NO_A3'
  | 'CHANNEL_NO_C2';

/** What was seen of one RPC_IN_DATA or RPC_OUT_DATA request. Bytes are those of bodies. */
export type ChannelSeen = {
  method: string;
  /** Content-Length of the request; 0 where it has none. */
  announced: number;
  status?: number | undefined;
  bytesUp: number;
  bytesDown: number;
};

/** A step that is missing, with its usual cause. */
export type ChannelFinding = { code: ChannelCode; message: string };

/**
 * `SERVER:PORT` of a request target of MS-RPCH (2.2.2); undefined where it names none, as the first login round of some
 * clients does. Whatever follows a `&` is left out.
 */
export function channelOf(target: string): string | undefined {
  return /^[^?]*\?([A-Za-z0-9._@-]{1,255}:\d{1,5})(?:&|$)/.exec(target)?.[1];
}

/** The missing step of a channel that has ended; undefined for login rounds, echo requests and channels that came up. */
export function channelFinding(seen: ChannelSeen): ChannelFinding | undefined {
  // Login rounds announce 0, echo requests at most 16 bytes (MS-RPCH 2.1.2.1.5); both are complete in themselves.
  if (seen.announced < CONN_A1) return undefined;
  if (seen.method === 'RPC_IN_DATA') return refusal(seen) ?? inChannel(seen);
  if (seen.method === 'RPC_OUT_DATA') return refusal(seen) ?? outChannel(seen);
  return undefined;
}

function refusal({ status = 200 }: ChannelSeen): ChannelFinding | undefined {
  if (status === 401) {
    return {
      code: 'CHANNEL_LOGIN_REFUSED',
      message:
        'the server refused the login on the request that opens the channel. Wrong credentials; or Extended Protection, which wants the same certificate here and on the server.',
    };
  }
  if (status < 300) return undefined;
  return {
    code: 'CHANNEL_REFUSED',
    message: `the server answered the channel with ${status}. Is the RPC proxy of IIS installed at this path, and does it know the server in the query?`,
  };
}

function inChannel({ status, bytesUp }: ChannelSeen): ChannelFinding | undefined {
  if (status !== undefined || bytesUp >= CONN_B1) return undefined;
  return {
    code: 'CHANNEL_NO_B1',
    message:
      'the client opened IN and never sent CONN/B1. It waits for a 100 Continue that did not come, or gave up because OUT failed.',
  };
}

function outChannel({ status, bytesDown }: ChannelSeen): ChannelFinding | undefined {
  if (status === undefined) return undefined;
  if (bytesDown < CONN_A3) {
    return {
      code: 'CHANNEL_NO_A3',
      message: 'OUT was accepted and CONN/A3 never came. Is the RPC service behind the RPC proxy running?',
    };
  }
  if (bytesDown < CONN_A3 + CONN_C2) {
    return {
      code: 'CHANNEL_NO_C2',
      message:
        'OUT came up and CONN/C2 never did: the server has not seen CONN/B1 of the IN channel. Look for the RPC_IN_DATA line of this client: refused, held up on the way, or at another server.',
    };
  }
  return undefined;
}
