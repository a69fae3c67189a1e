// Room: misfortunes that a request can order from a stand-in by its query, so that a test needs no second channel to the
// server behind the proxy: `/owa/?bytes=5000&reset-after=1000`.

export type Mishap = {
  /** Milliseconds before the first byte of the answer: `slow=300`. */
  slow?: number;
  /** Pads the body to this many bytes: `bytes=100000`. */
  bytes?: number;
  /** Bytes of the answer, head included, after which the server ends the connection with FIN: `die-after=100`. */
  dieAfter?: number;
  /** The same with RST: `reset-after=100`. */
  resetAfter?: number;
  /** Milliseconds after each byte: `trickle=1`. */
  trickle?: number;
};

const NAMES: [query: string, key: keyof Mishap][] = [
  ['slow', 'slow'],
  ['bytes', 'bytes'],
  ['die-after', 'dieAfter'],
  ['reset-after', 'resetAfter'],
  ['trickle', 'trickle'],
];

/** What the query of a request target orders; numbers that are none order nothing. */
export function mishapOf(requestTarget: string): Mishap {
  const query = new URLSearchParams(requestTarget.split('?').slice(1).join('?'));
  return Object.fromEntries(
    NAMES.flatMap(([name, key]) => {
      const value = query.get(name);
      return value !== null && /^\d{1,9}$/.test(value) ? [[key, Number(value)]] : [];
    }),
  );
}

/** Milliseconds between the last byte and an RST, so that who reads them has them: an RST may overtake what it follows. */
const BEFORE_RESET = 20;

/** What a mishap is done to: the server's half of a connection. */
export type Victim = { send(bytes: Buffer): Promise<boolean>; finish(): void; reset(): void };

/** Sends an answer the way it was ordered; false when the connection is no more. */
export async function sendWithMishap(victim: Victim, answer: Buffer, mishap: Mishap): Promise<boolean> {
  if (mishap.slow !== undefined) await pause(mishap.slow);
  const cut = mishap.dieAfter ?? mishap.resetAfter;
  const bytes = cut === undefined ? answer : answer.subarray(0, cut);
  const sent = mishap.trickle === undefined ? await victim.send(bytes) : await trickle(victim, bytes, mishap.trickle);
  if (cut === undefined) return sent;
  if (mishap.resetAfter === undefined) {
    victim.finish();
  } else {
    await pause(BEFORE_RESET);
    victim.reset();
  }
  return false;
}

/** The body as ordered: padded with spaces, never cut. */
export function padded(body: Buffer, { bytes = 0 }: Mishap): Buffer {
  return Buffer.concat([body, Buffer.alloc(Math.max(0, bytes - body.length), ' ')]);
}

async function trickle(victim: Victim, bytes: Buffer, milliseconds: number): Promise<boolean> {
  for (const byte of bytes) {
    if (!(await victim.send(Buffer.from([byte])))) return false;
    await pause(milliseconds);
  }
  return true;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
