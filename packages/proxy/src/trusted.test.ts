// Room: what a proxy in front may say for its clients, and that nobody else may.
import { expectResponse } from '@outrigger/tools/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { answer, echoing, nextHead, openStage, PATIENCE, simpleRules } from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());

const trusting = (port: number, peers = '127.0.0.1'): string => `${simpleRules(port)}trustedProxies: [${peers}]\n`;

/** The fields a server gets for these field lines, with the record of the request. */
async function carried(lines: string[], peers?: string) {
  const heads: string[] = [];
  const port = await stage.server(async (connection) => {
    heads.push(await nextHead(connection));
    await connection.send(answer('x'));
    connection.finish();
  });
  const proxy = await stage.proxy(trusting(port, peers));
  const wire = await proxy.wire();
  await wire.send(`GET /a HTTP/1.1\r\nHost: a.test\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`);
  const { status } = await expectResponse(wire);
  const fields = heads.flatMap((head) => head.split('\r\n').slice(2, -2));
  return { status, fields, record: await proxy.request('/a'), localPort: wire.localPort };
}

describe('a trusted proxy in front', () => {
  it.each([
    ['127.0.0.1', 403],
    ['203.0.113.7', 200],
  ])('is who connects, whomever it names: connectsFrom %s denies with %i', async (denied, status) => {
    const port = await stage.server(async (connection) => {
      await nextHead(connection);
      await connection.send(answer('x'));
      connection.finish();
    });
    const rules = trusting(port).replace('access: [', `access: [{ deny: { connectsFrom: ${denied} } }, `);
    const wire = await (await stage.proxy(rules)).wire();
    await wire.send('GET /a HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n');
    expect((await expectResponse(wire)).status).toBe(status);
  });

  it('is appended to in X-Forwarded-For, and its scheme and host pass', async () => {
    const { fields, record, localPort } = await carried([
      'X-Forwarded-For: 198.51.100.1',
      'x-forwarded-for: 203.0.113.7:51000',
      'X-Forwarded-Proto: HTTPS',
      'X-Forwarded-Host: mail.contoso.com:8443',
    ]);
    expect(fields).toEqual([
      'X-Forwarded-For: 198.51.100.1, 203.0.113.7:51000, 127.0.0.1',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: mail.contoso.com:8443',
    ]);
    expect(record).toMatchObject({ client: '203.0.113.7', via: `127.0.0.1:${localPort}` });
  });

  it.each([
    ['X_Forwarded_For: 198.51.100.1'],
    ['X-Forwarded.Proto: https', 'X-Real-IP: 198.51.100.1', 'Forwarded: for=198.51.100.1', 'X-Forwarded-Port: 1'],
    ['X-Forwarded-Proto: https', 'X-Forwarded-Proto: https'],
    ['X-Forwarded-Proto: https, http'],
    ['X-Forwarded-Proto: ftp', 'X-Forwarded-Host: a b', 'Front-End-Https: On'],
    ['X-Forwarded-Host: a.test/evil', 'Connection: X-Forwarded-For'],
    ['X-Forwarded-Host:', 'X-Forwarded-For:'],
  ])('passes nothing on that can be read in two ways: %s', async (...lines) => {
    const { fields, record } = await carried(lines);
    expect(fields).toEqual(['X-Forwarded-For: 127.0.0.1', 'X-Forwarded-Proto: http', 'X-Forwarded-Host: a.test']);
    expect(record.via).toBeUndefined();
  });

  it('is asked again where it names no address', async () => {
    expect(await carried(['X-Forwarded-For: unknown'])).toMatchObject({
      status: 400,
      fields: [],
      record: { code: 'FORWARDED_FOR_MALFORMED' },
    });
  });

  it('is the only one believed', async () => {
    const lines = ['X-Forwarded-For: 198.51.100.1', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: evil.test'];
    const { fields, record, localPort } = await carried(lines, '192.0.2.0/24');
    expect(fields[0]).toBe('X-Forwarded-For: 127.0.0.1');
    expect(fields.join()).not.toMatch(/evil|https/);
    expect(record.client).toBe(`127.0.0.1:${localPort}`);
  });

  it('cannot lend one client’s connection to the next', async () => {
    const proxy = await stage.proxy(trusting(await stage.server(echoing('one'))));
    const wire = await proxy.wire();
    const bodies: string[] = [];
    for (const [path, client] of [
      ['/1', '203.0.113.1'],
      ['/2', '203.0.113.1'],
      ['/3', '203.0.113.2'],
    ]) {
      await wire.send(`GET ${path} HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: ${client}\r\n\r\n`);
      bodies.push((await expectResponse(wire)).body.toString());
    }
    expect(bodies).toEqual(['one 1 /1', 'one 1 /2', 'one 2 /3']);
  });

  it('has its clients judged by their own addresses', async () => {
    const rules = trusting(1).replace('[{ allow: {} }]', "[{ deny: { clients: ['203.0.113.0/24'] } }, { allow: {} }]");
    const proxy = await stage.proxy(rules);
    const wire = await proxy.wire();
    await wire.send('GET /a HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.0.0.1, 203.0.113.9\r\n\r\n');
    expect((await expectResponse(wire)).status).toBe(403);
    expect((await wire.inlet.rest(PATIENCE)).kind).toBe('bytes');
  });
});
