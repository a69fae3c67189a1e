// Room: port 80 on the wire: the way to https, ACME challenges, and no login sent on in clear.
import { createAuthority, type Leaf } from '@outrigger/tools/certs';
import { expectResponse } from '@outrigger/tools/wire';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { echoing, openStage, PATIENCE, simpleRules } from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());

let leaf: Leaf;
beforeAll(async () => {
  leaf = await (await createAuthority()).issue({ names: ['a.test'] });
});
const readFile = (path: string): Buffer => Buffer.from(path === 'key' ? leaf.keyPem : leaf.certPem);

async function redirecting(seen: string[] = []) {
  const secure = "{ address: '127.0.0.1:0', name: secure, tls: { certificates: [{ cert: crt, key: key }] } }";
  const rules = simpleRules(await stage.server(echoing('apache', seen)));
  return stage.proxy(rules.replace("'127.0.0.1:0' }]", `'127.0.0.1:0', redirect: https }, ${secure}]`), readFile);
}

it('redirects a page, ends the connection, and tells it in the log', async () => {
  const seen: string[] = [];
  const proxy = await redirecting(seen);
  const wire = await proxy.wire();
  await wire.send('GET /page?q HTTP/1.1\r\nHost: a.test\r\n\r\nGET /second HTTP/1.1\r\nHost: a.test\r\n\r\n');
  const { status, fields, body } = await expectResponse(wire);
  expect(status).toBe(301);
  expect(fields).toContainEqual(['Location', 'https://a.test/page?q']);
  expect(body.toString()).toMatch(/https/);
  expect((await wire.inlet.rest(PATIENCE)).bytes.length).toBe(0);
  expect(await proxy.request('/page')).toMatchObject({ status: 301, ending: { how: 'complete', by: 'proxy' } });
  expect(seen).toEqual([]);
});

it('routes an ACME challenge as usual', async () => {
  const proxy = await redirecting();
  const wire = await proxy.wire();
  await wire.send('GET /.well-known/acme-challenge/t HTTP/1.1\r\nHost: a.test\r\n\r\n');
  expect((await expectResponse(wire)).body.toString()).toBe('apache 1 /.well-known/acme-challenge/t');
});

it('refuses a channel, and no server sees its login', async () => {
  const seen: string[] = [];
  const proxy = await redirecting(seen);
  const wire = await proxy.wire();
  await wire.send(
    'RPC_IN_DATA /rpc/x HTTP/1.1\r\nHost: a.test\r\nAuthorization: NTLM eA==\r\nContent-Length: 9\r\n\r\n',
  );
  expect((await expectResponse(wire)).status).toBe(405);
  expect(await proxy.request('/rpc')).toMatchObject({ code: 'REDIRECT_TUNNEL' });
  expect(seen).toEqual([]);
});
