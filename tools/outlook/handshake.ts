// Room: the HTTP side of a client: one request, with the 401 leg on the same connection where the server wants a login.
import { randomBytes } from 'node:crypto';
import { channelBindings } from '../exchange/channelbinding.ts';
import { type Credentials, composeType1, composeType3, readNtlm } from '../exchange/ntlm.ts';
import { composeHead, type Fields, field } from '../message.ts';
import { type NoResponse, type Response, readResponse, type Wire } from '../wire.ts';

export type Login = {
  auth: 'ntlm' | 'basic' | 'none';
  credentials: Credentials;
  /** Binds an NTLM login to the certificate that this client saw, as Windows does on TLS. */
  channelBinding?: boolean;
};

export type Ask = {
  method: string;
  target: string;
  version: '1.0' | '1.1';
  fields: Fields;
  /** What the request announces, bytes; undefined announces nothing. */
  contentLength?: number;
};

/** The request that stays: its head, ready to be sent with or before its body. Or the reason why there is none. */
export type Legs = { kind: 'ready'; head: Buffer } | { kind: 'failed'; step: string };

/**
 * Does all that comes before the request proper. NTLM: the same request with Content-Length 0 and a type 1, answered
 * by 401 and a type 2, on this very connection (MS-NTHT 3.1); `told` hears of each leg.
 */
export async function prepare(
  wire: Wire,
  ask: Ask,
  login: Login,
  milliseconds: number,
  told: (what: string) => void = () => {},
): Promise<Legs> {
  const { credentials } = login;
  if (login.auth === 'none') return { kind: 'ready', head: headOf(ask) };
  if (login.auth === 'basic') {
    const name = credentials.domain === '' ? credentials.user : `${credentials.domain}\\${credentials.user}`;
    const token = Buffer.from(`${name}:${credentials.password}`, 'utf8').toString('base64');
    return { kind: 'ready', head: headOf(ask, `Basic ${token}`) };
  }
  await wire.send(headOf({ ...ask, contentLength: 0 }, `NTLM ${composeType1().toString('base64')}`));
  told(`${ask.method} with NTLM type 1`);
  const read = await readResponse(wire, { method: ask.method, milliseconds });
  if (read.kind !== 'response')
    return { kind: 'failed', step: `no 401 with NTLM type 2 after type 1: ${sayNone(read)}` };
  const { status, fields } = read.response;
  const token = /^(?:NTLM|Negotiate) (\S+)$/.exec(field(fields, 'www-authenticate') ?? '')?.[1];
  const challenge = readNtlm(Buffer.from(token ?? '', 'base64'));
  if (status !== 401 || challenge.kind !== 'type2') {
    return { kind: 'failed', step: `no 401 with NTLM type 2 after type 1: ${sayHead(read.response)}` };
  }
  told('401 with NTLM type 2');
  const certificate = login.channelBinding ? wire.tls?.serverCertificate : undefined;
  const type3 = composeType3({
    challenge,
    credentials,
    clientNonce: randomBytes(8),
    now: Date.now(),
    ...(certificate && { channelBindings: channelBindings(certificate) }),
  });
  return { kind: 'ready', head: headOf(ask, `NTLM ${type3.toString('base64')}`) };
}

/** A whole ordinary request with its login, and its answer. */
export async function request(
  wire: Wire,
  ask: Omit<Ask, 'contentLength'> & { body?: Buffer },
  login: Login,
  milliseconds: number,
): Promise<{ kind: 'response'; response: Response } | { kind: 'failed'; step: string }> {
  const legs = await prepare(
    wire,
    { ...ask, ...(ask.body && { contentLength: ask.body.length }) },
    login,
    milliseconds,
  );
  if (legs.kind === 'failed') return legs;
  await wire.send(legs.head, ask.body ?? '');
  const read = await readResponse(wire, { method: ask.method, milliseconds });
  return read.kind === 'response'
    ? read
    : { kind: 'failed', step: `no answer to ${ask.method} ${ask.target}: ${sayNone(read)}` };
}

/** What came instead of a response, in words. */
export function sayNone(read: NoResponse): string {
  const what = {
    ended: 'the connection was closed',
    failed: 'the connection was reset',
    late: 'nothing more came in time',
    bad: 'what came is not of this protocol',
  }[read.kind];
  return read.bytes.length === 0
    ? what
    : `${what} (after ${JSON.stringify(read.bytes.toString('latin1').slice(0, 80))})`;
}

/** A response head in words. */
export function sayHead({ status, reason }: { status: number; reason: string }): string {
  return `answered ${status} ${reason}`.trim();
}

function headOf({ method, target, version, fields, contentLength }: Ask, authorization?: string): Buffer {
  return composeHead(`${method} ${target} HTTP/${version}`, [
    ...fields,
    ...(contentLength === undefined ? [] : ([['Content-Length', String(contentLength)]] as Fields)),
    ...(authorization === undefined ? [] : ([['Authorization', authorization]] as Fields)),
  ]);
}
