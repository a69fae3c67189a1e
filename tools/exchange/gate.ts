// Room: who may in. NTLM logs in a connection, Basic a request; a type 3 that comes on another connection than its type 2
// is the one thing this witness exists to notice.
import { randomBytes } from 'node:crypto';
import { type Fields, field } from '../message.ts';
import type { Request } from './http.ts';
import { answersNonce, boundChannel, type Credentials, composeType2, type NtlmMessage, readNtlm } from './ntlm.ts';
import type { Connection, Note } from './sights.ts';

export type Auth = 'ntlm' | 'basic' | 'none';
export type Admission = { kind: 'admitted'; user?: string } | { kind: 'refused'; fields: Fields };

/** Nonces remembered to tell whose a stray type 3 is: more than any test has connections. */
const NONCES_KEPT = 1_000;
const COMPUTER = 'EXCH1';

/** Extended Protection as IIS requires it: a login must be bound to `channel`; to nothing, and so never right, without TLS. */
export type Protection = { channel: Buffer | undefined };

/** Decides on each request, and writes down what it decided. */
export function createGate(
  auth: Auth,
  users: Credentials[],
  note: Note,
  protection?: Protection,
): (connection: Connection, request: Request) => Admission {
  const domain = users[0]?.domain || 'CONTOSO';
  const issued: { nonce: Buffer; connection: number }[] = [];

  function challenge(connection: Connection, scheme: string, asked: number): Admission {
    const nonce = randomBytes(8);
    connection.nonce = nonce;
    delete connection.user;
    issued.push({ nonce, connection: connection.id });
    if (issued.length > NONCES_KEPT) issued.shift();
    note(connection, { kind: 'challenged', nonce: nonce.toString('hex') });
    const type2 = composeType2({ asked, nonce, domain, computer: COMPUTER, now: Date.now() });
    return { kind: 'refused', fields: [['WWW-Authenticate', `${scheme} ${type2.toString('base64')}`]] };
  }

  function verify(connection: Connection, message: Extract<NtlmMessage, { kind: 'type3' }>): Admission {
    const user = users.find((known) => same(known.user, message.user));
    const answers = (nonce: Buffer) => user !== undefined && answersNonce(message, user.password, nonce);
    const own = connection.nonce;
    delete connection.nonce;
    if (own !== undefined && answers(own) && !isBound(message))
      return refuse(connection, 'the login is not bound to the certificate of this server');
    if (own !== undefined && answers(own)) {
      connection.user = `${message.domain}\\${message.user}`;
      note(connection, { kind: 'authenticated', scheme: 'ntlm', user: connection.user });
      return { kind: 'admitted', user: connection.user };
    }
    const stray = issued.find(({ nonce, connection: id }) => id !== connection.id && answers(nonce));
    if (stray !== undefined) note(connection, { kind: 'ntlm-split', nonceOf: stray.connection });
    else if (own === undefined) note(connection, { kind: 'ntlm-split' });
    return refuse(connection, 'the type 3 does not answer the nonce of its connection');
  }

  function isBound(message: Extract<NtlmMessage, { kind: 'type3' }>): boolean {
    const channel = boundChannel(message);
    return protection === undefined || (channel !== undefined && protection.channel?.equals(channel) === true);
  }

  function refuse(connection: Connection, why: string): Admission {
    note(connection, { kind: 'refused', status: 401, why });
    return { kind: 'refused', fields: [['WWW-Authenticate', auth === 'basic' ? `Basic realm="${COMPUTER}"` : 'NTLM']] };
  }

  return (connection, request) => {
    if (auth === 'none') return { kind: 'admitted' };
    const [scheme = '', token = ''] = (field(request.fields, 'authorization') ?? '').split(' ');
    if (auth === 'basic') {
      if (!same(scheme, 'basic')) return refuse(connection, 'no Basic credentials');
      const user = basicUser(token, users);
      if (user === undefined) return refuse(connection, 'wrong Basic credentials');
      note(connection, { kind: 'authenticated', scheme: 'basic', user });
      return { kind: 'admitted', user };
    }
    if (scheme === '' && connection.user !== undefined) return { kind: 'admitted', user: connection.user };
    // FreeRDP 3 sends raw NTLM messages under the name Negotiate.
    if (!same(scheme, 'ntlm') && !same(scheme, 'negotiate')) return refuse(connection, 'no NTLM message');
    const message = readNtlm(Buffer.from(token, 'base64'));
    if (message.kind === 'type1') return challenge(connection, scheme, message.flags);
    if (message.kind === 'type3') return verify(connection, message);
    return refuse(connection, message.kind === 'bad' ? message.message : 'a type 2 from a client');
  };
}

/** `DOMAIN\user:password`, `user@domain:password` or `user:password` (RFC 7617). */
function basicUser(token: string, users: Credentials[]): string | undefined {
  const text = Buffer.from(token, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const name = text.slice(0, colon).replace(/^.*\\/, '').replace(/@.*$/, '');
  const known = users.find((one) => same(one.user, name) && one.password === text.slice(colon + 1));
  return known && `${known.domain}\\${known.user}`;
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
