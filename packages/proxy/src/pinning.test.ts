import { createAuthority } from '@outrigger/tools/certs';
import { type Exchange, startExchange } from '@outrigger/tools/exchange/index';
import { prepare } from '@outrigger/tools/outlook/handshake';
import { expectResponse, type Wire } from '@outrigger/tools/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { openStage, PATIENCE, simpleRules } from './testing/stage.ts';

// The hard case of connection logins: every client has its challenge before any of them answers, the answers come in another
// order, and clients without a login come after. A proxy that lends upstream connections fails here for some or all of them.

const stage = openStage();
afterEach(() => stage.close());

const USERS = Array.from({ length: 8 }, (_, index) => ({
  user: `user${index}`,
  domain: 'CONTOSO',
  password: `pw${index}`,
}));
/** Neither the order of arrival nor its reverse. */
const MIXED = [3, 0, 6, 1, 7, 4, 2, 5];
const SOAP = '<s:Envelope><s:Body><GetFolder/></s:Body></s:Envelope>';
const WITHOUT_LOGIN = `POST /ews/exchange.asmx HTTP/1.1\r\nHost: contoso.com\r\nContent-Length: ${SOAP.length}\r\n\r\n${SOAP}`;
const LANES = [
  ['relay', ''],
  ['rewrite', ', rewrite: { location: [{ from: /a, to: /b }] }'],
] as const;

const ASK = {
  method: 'POST',
  target: '/ews/exchange.asmx',
  version: '1.1' as const,
  fields: [['Host', 'contoso.com']] as [string, string][],
  contentLength: SOAP.length,
};

/** Who the server says it answered; undefined for a 401. */
async function answeredAs(wire: Wire): Promise<string | undefined> {
  const { status, body } = await expectResponse(wire);
  return status === 401 ? undefined : /CONTOSO\\user\d/.exec(body.toString('utf8'))?.[0];
}

function logins(exchange: Exchange): [connection: number, user: string][] {
  return exchange.events.flatMap((event) =>
    event.kind === 'authenticated' ? [[event.connection, event.user] as [number, string]] : [],
  );
}

describe.each(LANES)('eight NTLM clients at once through the %s lane', (_, rewrite) => {
  it('are each served as themselves, and nobody without a login is served as somebody', async () => {
    const exchange = stage.keep(await startExchange({ users: USERS }));
    const proxy = await stage.proxy(simpleRules(exchange.port).replace('{ to: one }', `{ to: one${rewrite} }`));
    const clients = await Promise.all(USERS.map(() => proxy.wire()));
    const ready = await Promise.all(
      USERS.map(async (credentials, index) => {
        const wire = clients[index];
        if (wire === undefined) throw new Error('a client for each user');
        return { wire, legs: await prepare(wire, ASK, { auth: 'ntlm', credentials }, PATIENCE) };
      }),
    );
    for (const index of MIXED) {
      const client = ready[index];
      if (client?.legs.kind !== 'ready') throw new Error(`client ${index} was not challenged`);
      await client.wire.send(client.legs.head, SOAP);
    }
    const served = await Promise.all(clients.map(answeredAs));
    expect(served).toEqual(USERS.map(({ user }) => `CONTOSO\\${user}`));

    const fresh = await Promise.all(USERS.map(() => proxy.wire()));
    for (const wire of fresh) await wire.send(WITHOUT_LOGIN);
    expect(await Promise.all(fresh.map(answeredAs))).toEqual(fresh.map(() => undefined));

    // Second requests of the first eight, without a login of their own: the connection is who they are.
    for (const wire of clients) await wire.send(WITHOUT_LOGIN);
    expect(await Promise.all(clients.map(answeredAs))).toEqual(served);

    expect(exchange.events.some(({ kind }) => kind === 'ntlm-split')).toBe(false);
    expect(new Set(logins(exchange).map(([connection]) => connection)).size).toBe(USERS.length);
    expect(
      logins(exchange)
        .map(([, user]) => user)
        .sort(),
    ).toEqual([...served].sort());
  });
});

it('gives a client a login of its own for each host it asks a TLS server for, and keeps them apart', async () => {
  const { certPem: cert, keyPem: key } = await (await createAuthority()).issue({ names: ['contoso.com'] });
  const exchange = stage.keep(await startExchange({ users: USERS, tls: { cert, key } }));
  const rules = simpleRules(exchange.port, 'tls: { verify: false }').replace('http://127', 'https://127');
  const wire = await (await stage.proxy(rules)).wire();
  const [credentials] = USERS;
  if (credentials === undefined) throw new Error('there is a user');
  const legs = await prepare(wire, ASK, { auth: 'ntlm', credentials }, PATIENCE);
  if (legs.kind !== 'ready') throw new Error('the client was not challenged');
  await wire.send(legs.head, SOAP);
  const served = [await answeredAs(wire)];
  for (const host of ['autodiscover.contoso.com', 'contoso.com']) {
    await wire.send(WITHOUT_LOGIN.replace('contoso.com', host));
    served.push(await answeredAs(wire));
  }
  expect(served).toEqual(['CONTOSO\\user0', undefined, 'CONTOSO\\user0']);
  expect(exchange.events.some(({ kind }) => kind === 'ntlm-split')).toBe(false);
});
