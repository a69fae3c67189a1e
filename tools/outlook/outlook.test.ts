import { afterEach, describe, expect, it } from 'vitest';
import { type Accepted, accept } from '../acceptor.ts';
import { createAuthority } from '../certs.ts';
import { readRequest } from '../exchange/http.ts';
import { ANNA, type ExchangeEvent, type ExchangeOptions, startExchange } from '../exchange/index.ts';
import { numberedPdu, takePdu } from '../exchange/pdu.ts';
import { connA3 } from '../exchange/rts.ts';
import { discover, settingsIn } from './discover.ts';
import { type OutlookOptions, openVirtualConnection } from './index.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function exchangeFor(options: ExchangeOptions = {}) {
  const exchange = await startExchange(options);
  closers.push(() => exchange.close());
  return exchange;
}

async function openTo(port: number, options: Partial<OutlookOptions> = {}) {
  const connection = await openVirtualConnection({
    connect: { host: '127.0.0.1', port },
    host: 'mail.contoso.com',
    credentials: ANNA,
    ...options,
  });
  closers.push(() => connection.close());
  return connection;
}

const kinds = (events: readonly ExchangeEvent[]) => events.map(({ kind }) => kind);
const names = (events: readonly ExchangeEvent[]) =>
  events.flatMap((event) => (event.kind === 'pdu' ? [event.name] : []));

describe('a virtual connection', () => {
  const shapes: [string, Partial<OutlookOptions>, ExchangeOptions][] = [
    ['as impacket opens it: NTLM, A1 first, waiting for 100 Continue', { expectContinue: true }, {}],
    [
      'as FreeRDP opens it: NTLM, B1 first, head and PDU in one write',
      { order: 'B1-first', headAndBodyTogether: true },
      {},
    ],
    [
      'as Samba opens it: Basic, HTTP/1.0, head and PDU in one write',
      { auth: 'basic', httpVersion: '1.0', headAndBodyTogether: true },
      { auth: 'basic' },
    ],
    ['as Samba opens it with NTLM: HTTP/1.0, PDUs after both heads', { httpVersion: '1.0' }, {}],
    ['without a login', { auth: 'none', order: 'B1-first' }, { auth: 'none' }],
    ['on another path in another case', { path: '/RpcWithCert/RPCPROXY.DLL', server: 'mbx2:6004' }, {}],
  ];
  for (const [shape, outlook, server] of shapes) {
    it(`opens ${shape}, and says back every PDU`, async () => {
      const exchange = await exchangeFor(server);
      const connection = await openTo(exchange.port, outlook);
      for (let number = 0; number < 16; number += 1)
        expect(await connection.send(numberedPdu(number, 24 + 97 * number))).toBe(true);
      for (let number = 0; number < 16; number += 1) {
        const received = await connection.receive();
        expect(received).toEqual({ kind: 'pdu', pdu: numberedPdu(number, 24 + 97 * number) });
      }
    });
  }

  it('uses two connections, each with its own nonce, and stays logged in as whoever opened it', async () => {
    const exchange = await exchangeFor();
    await openTo(exchange.port);
    const nonces = exchange.events.flatMap((event) => (event.kind === 'challenged' ? [event.nonce] : []));
    expect(new Set(nonces).size).toBe(2);
    const open = await exchange.until('open', (event) => event.kind === 'virtual-connection-open');
    expect(open).toMatchObject({ user: 'CONTOSO\\anna', server: 'mbx1:6001' });
    expect(kinds(exchange.events)).not.toContain('ntlm-split');
  });

  it('carries pings both ways', async () => {
    const exchange = await exchangeFor();
    const connection = await openTo(exchange.port);
    await connection.ping();
    await exchange.until('ping', (event) => event.kind === 'pdu' && event.name === 'Ping');
    await exchange.virtualConnections[0]?.ping();
    await connection.send(numberedPdu(1, 64));
    expect(await connection.receive()).toMatchObject({ kind: 'pdu' });
    expect(connection.pings).toBe(1);
  });

  it('works over TLS', async () => {
    const authority = await createAuthority();
    const leaf = await authority.issue({ names: ['mail.contoso.com'] });
    const exchange = await exchangeFor({ tls: { cert: leaf.certPem, key: leaf.keyPem } });
    const tls = { ca: authority.certPem, servername: 'mail.contoso.com' };
    const connection = await openTo(0, { connect: { host: '127.0.0.1', port: exchange.port, tls } });
    await connection.send(numberedPdu(1, 5_000));
    expect(await connection.receive()).toEqual({ kind: 'pdu', pdu: numberedPdu(1, 5_000) });
    expect(exchange.events[0]).toMatchObject({ kind: 'connected', tls: { serverName: 'mail.contoso.com' } });
  });

  it('gets every answer that was due after it has half-closed IN, then the end of OUT', async () => {
    const exchange = await exchangeFor();
    const connection = await openTo(exchange.port);
    await connection.send(numberedPdu(1, 64));
    connection.halfCloseIn();
    expect(await connection.receive()).toMatchObject({ kind: 'pdu' });
    expect(await connection.receive()).toEqual({ kind: 'ended' });
    expect(kinds(exchange.events)).toContain('virtual-connection-closed');
  });

  it('sees both channels end when the server resets one', async () => {
    const exchange = await exchangeFor();
    const connection = await openTo(exchange.port);
    exchange.virtualConnections[0]?.reset('OUT');
    expect(await connection.receive()).toEqual({ kind: 'failed' });
    expect(await connection.channels.IN.inlet.rest(2_000)).toMatchObject({ kind: 'bytes', bytes: Buffer.alloc(0) });
  });

  it('is held back on IN while the server reads nothing, and loses nothing by it', async () => {
    const exchange = await exchangeFor();
    const connection = await openTo(exchange.port);
    const [server] = exchange.virtualConnections;
    if (server === undefined) throw new Error('no virtual connection on the server');
    server.paused = true;
    const total = 1_600;
    let sent = 0;
    const sending = (async () => {
      for (; sent < total; sent += 1) await connection.send(numberedPdu(sent, 16_384));
    })();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(sent).toBeLessThan(total);
    server.paused = false;
    for (let number = 0; number < total; number += 1) {
      const received = await connection.receive();
      if (received.kind !== 'pdu' || !received.pdu.equals(numberedPdu(number, 16_384)))
        expect.fail(`PDU ${number}: ${received.kind}`);
    }
    await sending;
  });

  it('gets one CONN/A3, then one CONN/C2, however close A1 and B1 come together', async () => {
    const leaf = await (await createAuthority()).issue({ names: ['localhost'] });
    const exchange = await exchangeFor({ auth: 'none', tls: { cert: leaf.certPem, key: leaf.keyPem } });
    const connect = { host: '127.0.0.1', port: exchange.port, tls: { rejectUnauthorized: false } };
    for (let round = 0; round < 20; round += 1) {
      const connection = await openTo(0, { connect, auth: 'none', order: round % 2 === 0 ? 'A1-first' : 'B1-first' });
      await connection.send(numberedPdu(1, 64));
      expect((await connection.receive()).kind).toBe('pdu');
      const said = connection.transcript.map(({ what }) => what).filter((what) => /^CONN\/(A3|C2)/.test(what));
      expect(said).toEqual(['CONN/A3, 28 bytes', 'CONN/C2, 44 bytes']);
    }
  });

  it('hears PDUs that the server sends of its own accord', async () => {
    const exchange = await exchangeFor();
    const connection = await openTo(exchange.port);
    await exchange.virtualConnections[0]?.send(numberedPdu(9, 2_000));
    expect(await connection.receive()).toEqual({ kind: 'pdu', pdu: numberedPdu(9, 2_000) });
  });

  it('is two on one server, each with its own PDUs', async () => {
    const exchange = await exchangeFor();
    const [one, two] = [await openTo(exchange.port), await openTo(exchange.port, { order: 'B1-first' })];
    await Promise.all([one.send(numberedPdu(1, 64)), two.send(numberedPdu(2, 64))]);
    expect(await one.receive()).toEqual({ kind: 'pdu', pdu: numberedPdu(1, 64) });
    expect(await two.receive()).toEqual({ kind: 'pdu', pdu: numberedPdu(2, 64) });
    expect(names(exchange.events).sort()).toEqual(['CONN/A1', 'CONN/A1', 'CONN/B1', 'CONN/B1', 'RPC', 'RPC']);
  });
});

describe('the step it names when the handshake stops', () => {
  /** A proxy or server that answers each request head as `answer` says, and then nothing. */
  async function stub(answer: (accepted: Accepted, method: string) => unknown) {
    const acceptor = await accept({}, async (accepted) => {
      const read = await readRequest(accepted.inlet, 2_000);
      if (read.kind === 'request') await answer(accepted, read.request.method);
    });
    closers.push(() => acceptor.close());
    return acceptor.port;
  }
  const quick = { auth: 'none', patience: 100 } as const;
  const say = (text: string) => (accepted: Accepted) => accepted.send(Buffer.from(text));
  const success = 'HTTP/1.1 200 Success\r\nContent-Length: 1073741824\r\n\r\n';

  it('CONN/A3, where a proxy holds back the response', async () => {
    const port = await stub((accepted, method) => method === 'RPC_OUT_DATA' && say(success)(accepted));
    await expect(openTo(port, quick)).rejects.toThrow(
      'OUT channel: no CONN/A3 within 100 ms after CONN/A1; the proxy holds back the response',
    );
  });

  it('CONN/C2, where IN never reaches the server', async () => {
    const port = await stub(async (accepted, method) => {
      if (method !== 'RPC_OUT_DATA') return;
      await takePdu(accepted.inlet, 1_000);
      await say(success)(accepted);
      await accepted.send(connA3(120_000));
    });
    await expect(openTo(port, quick)).rejects.toThrow(
      /^OUT channel: no CONN\/C2 within 100 ms after CONN\/B1; the proxy/,
    );
  });

  it('the 200, where a proxy waits for the end of the request', async () => {
    await expect(openTo(await stub(() => {}), quick)).rejects.toThrow(
      /^OUT channel: no 200 within 100 ms after CONN\/A1/,
    );
  });

  it('the answer on IN that should not be there', async () => {
    const port = await stub(
      (accepted, method) => method === 'RPC_IN_DATA' && say('HTTP/1.1 413 Too Large\r\n\r\n')(accepted),
    );
    await expect(openTo(port, quick)).rejects.toThrow(
      /^IN channel: answered 413 Too Large instead of silence; OUT channel: no 200/,
    );
  });

  it('the 401, where a proxy refuses the verb', async () => {
    const port = await stub(say('HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n'));
    await expect(openTo(port, { patience: 100 })).rejects.toThrow(
      'OUT channel: no 401 with NTLM type 2 after type 1: answered 405 Method Not Allowed',
    );
  });

  it('the 100 Continue, where a proxy strips Expect', async () => {
    const port = await stub(() => {});
    await expect(openTo(port, { ...quick, expectContinue: true })).rejects.toThrow(
      /^OUT channel: no 100 Continue within 100 ms/,
    );
  });

  it('the connection, where nobody listens', async () => {
    const port = await stub(() => {});
    for (const close of closers.splice(0)) await close();
    await expect(openTo(port, quick)).rejects.toThrow(/^OUT channel: no connection: .*ECONNREFUSED/);
  });

  it('the login, where the password is wrong', async () => {
    const exchange = await exchangeFor();
    const attempt = openTo(exchange.port, { credentials: { ...ANNA, password: 'wrong' } });
    await expect(attempt).rejects.toThrow('OUT channel: no 200 after CONN/A1: answered 401 Unauthorized');
  });
});

describe('Autodiscover', () => {
  const ask = async (options: ExchangeOptions, emailAddress: string) =>
    discover({
      connect: { host: '127.0.0.1', port: (await exchangeFor(options)).port },
      credentials: ANNA,
      auth: options.auth ?? 'ntlm',
      emailAddress,
    });

  for (const auth of ['ntlm', 'basic', 'none'] as const) {
    it(`finds RPC proxy and mailbox server (login: ${auth})`, async () => {
      expect(await ask({ auth, autodiscover: { mailboxServer: 'mbx7.contoso.com' } }, 'anna@contoso.com')).toEqual({
        kind: 'settings',
        rpcProxy: 'mail.contoso.com',
        mailboxServer: 'mbx7.contoso.com',
        authPackage: auth === 'basic' ? 'Basic' : 'Ntlm',
        ssl: true,
      });
    });
  }

  it('says that an address is unknown', async () => {
    expect(await ask({}, 'nobody@contoso.com')).toEqual({
      kind: 'failed',
      step: 'Autodiscover: error 500: The email address cannot be found.',
    });
  });

  it('says what an answer lacks', () => {
    expect(settingsIn('<html>')).toMatchObject({ step: 'Autodiscover: the answer is no XML' });
    expect(settingsIn('<Autodiscover><Response/></Autodiscover>')).toMatchObject({ kind: 'failed' });
    const onlyExch =
      '<Autodiscover><Response><Account><Protocol><Type>EXCH</Type><Server>m</Server></Protocol></Account></Response></Autodiscover>';
    expect(settingsIn(onlyExch)).toMatchObject({ step: /EXPR.*Outlook Anywhere is off/ });
  });
});
