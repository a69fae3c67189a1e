// Room: logins that are bound to the certificate their client saw, against an Exchange that requires it (2019 CU14 and later, SE): what
// each way of standing in front of it comes to.
import { createAuthority, type Leaf } from '@outrigger/tools/certs';
import { ANNA, type Exchange, startExchange } from '@outrigger/tools/exchange/index';
import { request } from '@outrigger/tools/outlook/handshake';
import { MissingStep, openVirtualConnection } from '@outrigger/tools/outlook/index';
import { connect } from '@outrigger/tools/wire';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Proxy as Edge, openStage, PATIENCE } from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());

let same: Leaf;
let other: Leaf;
let authority: string;
beforeAll(async () => {
  const issuer = await createAuthority();
  authority = issuer.certPem;
  same = await issuer.issue({ names: ['mail.a.test'] });
  other = await issuer.issue({ names: ['mail.a.test'] });
});

const SOAP = Buffer.from('<s:Envelope><s:Body><GetFolder/></s:Body></s:Envelope>');
const HOST: [string, string][] = [['Host', 'mail.a.test']];

type Front = { shows: Leaf; server: string; passThrough?: boolean };

function front({ shows, server, passThrough = false }: Front): Promise<Edge> {
  const files: Record<string, string> = { crt: shows.certPem, key: shows.keyPem, ca: authority };
  return stage.proxy(
    `
listen:
  - address: '127.0.0.1:0'
    tls: { certificates: [{ cert: crt, key: key }] }
    ${passThrough ? 'passThrough: [{ hosts: mail.a.test, to: exchange }]' : ''}
upstreams:
  exchange: { servers: ['${server}'], rpcOverHttp: true, tls: { ca: ca, serverName: mail.a.test } }
access: [{ allow: {} }]
routes: [{ to: exchange }]
`,
    (path) => Buffer.from(files[path] ?? ''),
  );
}

async function exchange(tls: boolean): Promise<Exchange> {
  const certificate = { cert: same.certPem, key: same.keyPem };
  return stage.keep(await startExchange({ extendedProtection: 'require', ...(tls && { tls: certificate }) }));
}

const tls = () => ({ servername: 'mail.a.test', ca: authority });

/** Status of a page for somebody who logs in, and what became of Outlook. */
async function tried(port: number, channelBinding = true): Promise<{ page: number; outlook: string }> {
  const login = { auth: 'ntlm', credentials: ANNA, channelBinding } as const;
  const wire = stage.keep(await connect({ host: '127.0.0.1', port, tls: tls() }));
  const ask = { method: 'POST', target: '/ews/exchange.asmx', version: '1.1' as const, fields: HOST, body: SOAP };
  const page = await request(wire, ask, login, PATIENCE);
  const options = { connect: { host: '127.0.0.1', port, tls: tls() }, host: 'mail.a.test', ...login };
  const outlook = await openVirtualConnection(options).then(
    async (connection) => {
      await connection.close();
      return 'connected';
    },
    (error: unknown) => (error instanceof MissingStep ? error.message : String(error)),
  );
  return { page: page.kind === 'response' ? page.response.status : 0, outlook };
}

describe('an Exchange that requires Extended Protection', () => {
  it('lets in who comes through a bridge with its own certificate', async () => {
    const { port } = await front({ shows: same, server: `https://127.0.0.1:${(await exchange(true)).port}` });
    expect(await tried(port)).toEqual({ page: 200, outlook: 'connected' });
  });

  it('refuses who comes through a bridge with another certificate, and the log says what that may be', async () => {
    const proxy = await front({ shows: other, server: `https://127.0.0.1:${(await exchange(true)).port}` });
    expect(await tried(proxy.port)).toEqual({ page: 401, outlook: expect.stringMatching(/answered 401/) });
    await expect.poll(() => proxy.records.map(({ code }) => code)).toContain('CHANNEL_LOGIN_REFUSED');
  });

  it('lets in who passes through to it, whatever certificate the listener has', async () => {
    const server = `https://127.0.0.1:${(await exchange(true)).port}`;
    const { port } = await front({ shows: other, server, passThrough: true });
    expect(await tried(port)).toEqual({ page: 200, outlook: 'connected' });
  });

  it('refuses who comes by plain HTTP from a proxy that ends TLS', async () => {
    const { port } = await front({ shows: same, server: `http://127.0.0.1:${(await exchange(false)).port}` });
    expect(await tried(port)).toEqual({ page: 401, outlook: expect.stringMatching(/answered 401/) });
  });

  it('refuses a client that binds its login to nothing', async () => {
    const { port } = await front({ shows: same, server: `https://127.0.0.1:${(await exchange(true)).port}` });
    expect((await tried(port, false)).page).toBe(401);
  });
});
