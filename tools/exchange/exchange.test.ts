import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { createAuthority } from '../certs.ts';
import { type Login, request } from '../outlook/handshake.ts';
import { connect, expectResponse, readResponse, type Wire } from '../wire.ts';
import { ANNA, type ExchangeOptions, startExchange } from './index.ts';
import { composeType1, composeType3, readNtlm } from './ntlm.ts';
import { ECHO } from './rts.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function started(options: ExchangeOptions = {}) {
  const exchange = await startExchange(options);
  closers.push(() => exchange.close());
  const wire = async (): Promise<Wire> => {
    const opened = await connect({ host: '127.0.0.1', port: exchange.port });
    closers.push(() => opened.close());
    return opened;
  };
  return { exchange, wire };
}

const login: Login = { auth: 'ntlm', credentials: ANNA };
const get = (target: string, ...fields: string[]) =>
  `GET ${target} HTTP/1.1\r\nHost: x\r\n${fields.map((f) => `${f}\r\n`).join('')}\r\n`;
const page = (target: string, method = 'GET') => ({
  method,
  target,
  version: '1.1' as const,
  fields: [['Host', 'x']] as [string, string][],
});
const fieldsOf = (message: { fields: [string, string][] }) =>
  Object.fromEntries(message.fields.map(([name, value]) => [name.toLowerCase(), value]));

describe('NTLM belongs to a connection', () => {
  const type1 = `Authorization: NTLM ${composeType1().toString('base64')}`;
  async function challenge(wire: Wire) {
    await wire.send(get('/ews/exchange.asmx', type1));
    const token = fieldsOf(await expectResponse(wire))['www-authenticate']?.split(' ')[1] ?? '';
    const read = readNtlm(Buffer.from(token, 'base64'));
    if (read.kind !== 'type2') throw new Error(read.kind);
    return read;
  }
  const answer = (type2: Awaited<ReturnType<typeof challenge>>) => {
    const token = composeType3({
      challenge: type2,
      credentials: ANNA,
      clientNonce: Buffer.alloc(8, 1),
      now: Date.now(),
    });
    return `Authorization: NTLM ${token.toString('base64')}`;
  };

  it('lets a client in for good once the type 3 comes where the type 2 went', async () => {
    const { exchange, wire } = await started();
    const client = await wire();
    await client.send(get('/ews/exchange.asmx', answer(await challenge(client))));
    expect((await expectResponse(client)).status).toBe(400); // in, and told that a GET is no SOAP
    await client.send(get('/ews/exchange.asmx'));
    expect((await expectResponse(client)).status).toBe(400);
    expect(exchange.events.filter(({ kind }) => kind === 'authenticated')).toMatchObject([{ user: 'CONTOSO\\anna' }]);
  });

  it('answers 401 to a type 3 on a connection that never had a type 2, and says whose nonce it answers', async () => {
    const { exchange, wire } = await started();
    const [one, two] = [await wire(), await wire()];
    const type2 = await challenge(one);
    await two.send(get('/ews/exchange.asmx', answer(type2)));
    expect((await expectResponse(two)).status).toBe(401);
    const split = await exchange.until('split', ({ kind }) => kind === 'ntlm-split');
    const challenged = exchange.events.find(({ kind }) => kind === 'challenged');
    expect(split).toMatchObject({ nonceOf: challenged?.connection });
  });

  it('answers 401 to two clients whose type 3s were swapped between their connections', async () => {
    const { exchange, wire } = await started();
    const [one, two] = [await wire(), await wire()];
    const [first, second] = [await challenge(one), await challenge(two)];
    await one.send(get('/ews/exchange.asmx', answer(second)));
    await two.send(get('/ews/exchange.asmx', answer(first)));
    expect([(await expectResponse(one)).status, (await expectResponse(two)).status]).toEqual([401, 401]);
    expect(exchange.events.filter(({ kind }) => kind === 'ntlm-split').length).toBe(2);
  });

  it('does not call a wrong password a split', async () => {
    const { exchange, wire } = await started();
    const wrong = { ...login, credentials: { ...ANNA, password: 'wrong' } };
    const read = await request(await wire(), page('/ews/exchange.asmx'), wrong, 2_000);
    expect(read).toMatchObject({ response: { status: 401 } });
    expect(exchange.events.map(({ kind }) => kind)).not.toContain('ntlm-split');
  });

  it('takes a type 3 once: a replay on the same connection is refused', async () => {
    const { wire } = await started();
    const client = await wire();
    const type3 = answer(await challenge(client));
    await client.send(get('/ews/exchange.asmx', type3));
    expect((await expectResponse(client)).status).toBe(400);
    await client.send(get('/ews/exchange.asmx', type3));
    expect((await expectResponse(client)).status).toBe(401);
  });
});

describe('RPC over HTTP without a virtual connection', () => {
  for (const size of [0, 4, 16]) {
    it(`answers an echo request of ${size} bytes with the 20 of MS-RPCH 2.2.4.48 and keeps the connection`, async () => {
      const { wire } = await started({ auth: 'none' });
      const client = await wire();
      for (let round = 0; round < 2; round += 1) {
        await client.send(
          `RPC_OUT_DATA /rpc/rpcproxy.dll?mbx1:6001 HTTP/1.1\r\nContent-Length: ${size}\r\n\r\n`,
          Buffer.alloc(size),
        );
        const response = await expectResponse(client);
        expect([response.reason, response.body]).toEqual(['Success', ECHO]);
      }
    });
  }

  it('refuses 1 GiB at once with 401 and a close, and takes what still comes without RST', async () => {
    const { wire } = await started();
    const client = await wire();
    await client.send(
      'RPC_IN_DATA /rpc/rpcproxy.dll?mbx1:6001 HTTP/1.1\r\nContent-Length: 1073741824\r\n\r\n',
      Buffer.alloc(50_000),
    );
    const response = await expectResponse(client);
    expect([response.status, fieldsOf(response).connection]).toEqual([401, 'close']);
    expect(await client.send(Buffer.alloc(50_000))).toBe(true);
    expect((await client.inlet.some(1_000)).kind).toBe('ended');
  });

  it('refuses a chunked channel with 411', async () => {
    const { wire } = await started({ auth: 'none' });
    const client = await wire();
    await client.send('RPC_IN_DATA /rpc/rpcproxy.dll?mbx1:6001 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n');
    expect((await expectResponse(client)).status).toBe(411);
  });

  it('refuses at once who holds back the body until 100 Continue', async () => {
    const { wire } = await started();
    const client = await wire();
    await client.send(
      'RPC_OUT_DATA /rpc/rpcproxy.dll?x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 76\r\n\r\n',
    );
    expect(await expectResponse(client)).toMatchObject({ status: 401, interim: [] });
  });

  it('sends 100 Continue to who asks, after the login and before the PDU', async () => {
    const { wire } = await started({ auth: 'none' });
    const client = await wire();
    await client.send(
      'RPC_OUT_DATA /rpc/rpcproxy.dll?x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 76\r\n\r\n',
    );
    expect((await client.inlet.until('\r\n\r\n', 1_000)).bytes.toString()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
  });

  it('answers 503 to a first PDU that is not the one', async () => {
    const { exchange, wire } = await started({ auth: 'none' });
    const client = await wire();
    await client.send('RPC_OUT_DATA /rpc/rpcproxy.dll?x HTTP/1.1\r\nContent-Length: 20\r\n\r\n', ECHO);
    expect(await expectResponse(client)).toMatchObject({ status: 503, reason: 'RPC Error: 6c0' });
    expect(exchange.events.find(({ kind }) => kind === 'refused')).toMatchObject({
      why: 'OUT: expected CONN/A1, met Echo',
    });
  });
});

describe('pages', () => {
  it('shows OWA to anyone, in any case, and names itself', async () => {
    const { wire } = await started();
    const client = await wire();
    await client.send(get('/OWA/'));
    const response = await expectResponse(client);
    expect(fieldsOf(response)).toMatchObject({ 'x-stand-in': 'exchange', 'content-type': 'text/html; charset=utf-8' });
  });

  it('answers a SOAP request with its own operation and user', async () => {
    const { wire } = await started();
    const body = Buffer.from('<s:Envelope xmlns:s="x"><s:Body><GetFolder/></s:Body></s:Envelope>');
    const read = await request(await wire(), { ...page('/EWS/Exchange.asmx', 'POST'), body }, login, 2_000);
    if (read.kind !== 'response') throw new Error(read.step);
    expect(read.response.body.toString()).toMatch(/<GetFolderResponse .*NoError.*CONTOSO\\anna/);
  });

  it('holds an ActiveSync Ping as long as asked, then answers', async () => {
    const { wire } = await started({ auth: 'none' });
    const client = await wire();
    const from = performance.now();
    await client.send('POST /Microsoft-Server-ActiveSync?Cmd=Ping&hold=150 HTTP/1.1\r\nContent-Length: 0\r\n\r\n');
    expect((await expectResponse(client)).status).toBe(200);
    expect(performance.now() - from).toBeGreaterThan(140);
  });

  it('counts and digests an upload, announced or chunked', async () => {
    const { wire } = await started();
    const client = await wire();
    const body = Buffer.alloc(3_000_000, 'outrigger');
    const report = { bytes: body.length, sha256: createHash('sha256').update(body).digest('hex'), whole: true };
    await client.send(`POST /owa/upload HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n`, body);
    expect(JSON.parse((await expectResponse(client)).body.toString())).toEqual(report);
    await client.send(
      'PUT /owa/upload HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n',
      `${body.length.toString(16)}\r\n`,
      body,
      '\r\n0\r\n\r\n',
    );
    expect(JSON.parse((await expectResponse(client)).body.toString())).toEqual(report);
  });

  it('answers after the client has half-closed', async () => {
    const { wire } = await started({ auth: 'none' });
    const client = await wire();
    await client.send('POST /Microsoft-Server-ActiveSync?Cmd=Ping&hold=100 HTTP/1.1\r\nContent-Length: 0\r\n\r\n');
    client.finish();
    expect((await expectResponse(client)).status).toBe(200);
  });

  it('closes after the answer where the client says so or speaks 1.0, keeps open where a 1.0 client asks', async () => {
    const { wire } = await started();
    const ask = async (...lines: string[]) => {
      const client = await wire();
      await client.send(`${lines.join('\r\n')}\r\n\r\n`);
      await expectResponse(client);
      return (await client.inlet.some(100)).kind;
    };
    expect(await ask('GET /owa/ HTTP/1.1', 'Connection: close')).toBe('ended');
    expect(await ask('GET /owa/ HTTP/1.0')).toBe('ended');
    expect(await ask('GET /owa/ HTTP/1.0', 'Connection: keep-alive')).toBe('late');
    expect(await ask('GET /owa/ HTTP/1.1')).toBe('late');
  });
});

describe('mishaps on order', () => {
  it('dies inside a response with FIN', async () => {
    const { wire } = await started();
    const client = await wire();
    await client.send(get('/owa/?bytes=5000&die-after=1000'));
    const read = await readResponse(client);
    expect(read.kind).toBe('ended');
  });

  for (const secure of [false, true]) {
    it(`dies inside a response with RST (${secure ? 'TLS' : 'plain'})`, async () => {
      const leaf = await (await createAuthority()).issue({ names: ['localhost'] });
      const { exchange } = await started(secure ? { tls: { cert: leaf.certPem, key: leaf.keyPem } } : {});
      const tls = { rejectUnauthorized: false };
      const client = await connect({ host: '127.0.0.1', port: exchange.port, ...(secure && { tls }) });
      closers.push(() => client.close());
      await client.send(get('/owa/?bytes=500000&reset-after=100000'));
      const read = await readResponse(client);
      expect(read.kind).toBe('failed');
      expect(await client.inlet.some(0)).toMatchObject({ code: 'ECONNRESET' });
    });
  }

  it('answers late, or byte by byte', async () => {
    const { wire } = await started();
    const client = await wire();
    const from = performance.now();
    await client.send(get('/owa/?slow=100&trickle=0'));
    expect((await expectResponse(client)).status).toBe(200);
    expect(performance.now() - from).toBeGreaterThan(95);
  });
});

it('rejects when its port is taken', async () => {
  const { exchange } = await started();
  await expect(startExchange({ port: exchange.port })).rejects.toThrow('EADDRINUSE');
});
