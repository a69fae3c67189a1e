import { accept } from '@outrigger/tools/acceptor';
import { createAuthority } from '@outrigger/tools/certs';
import { freePort } from '@outrigger/tools/daemons';
import { expectResponse } from '@outrigger/tools/wire';
import { afterEach, describe, expect, it } from 'vitest';
import type { LogRecord } from './accesslog.ts';
import { answer, echoing, nextHead, openStage, simpleRules } from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());

const GET = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';

function notices({ records }: { records: readonly LogRecord[] }): [string, string][] {
  return records.flatMap((record) =>
    record.kind === 'notice' ? [[record.code, record.severity] satisfies [string, string]] : [],
  );
}

function secureRules(port: number, tls: string): string {
  return simpleRules(port, `tls: ${tls}`).replace('http://127', 'https://127');
}

describe('dialling', () => {
  it('goes on to the next server where one cannot be reached, and asks that one last for a while', async () => {
    const dead = await freePort();
    const port = await stage.server(echoing('alive'));
    const rules = simpleRules(port).replace(/servers: \[/, `servers: ['http://127.0.0.1:${dead}', `);
    const proxy = await stage.proxy(rules);
    for (let round = 0; round < 2; round++) {
      const wire = await proxy.wire();
      await wire.send(GET);
      expect((await expectResponse(wire)).body.toString()).toMatch(/^alive/);
    }
    expect(await proxy.request('/')).toMatchObject({ server: `http://127.0.0.1:${port}` });
  });

  it('tells once that a server cannot be reached, and once that it can again', async () => {
    const dead = await freePort();
    const alive = await stage.server(echoing('alive'));
    let time = 0;
    const clock = (): number => time;
    const rules = simpleRules(alive).replace(/servers: \[/, `servers: ['http://127.0.0.1:${dead}', `);
    const proxy = await stage.proxy(rules, undefined, clock);
    const ask = async (): Promise<string> => {
      const wire = await proxy.wire();
      await wire.send(GET);
      return (await expectResponse(wire)).body.toString();
    };
    for (time = 0; time < 50_000; time += 11_000) expect(await ask()).toMatch(/^alive/);
    expect(notices(proxy)).toEqual([['SERVER_UNREACHABLE', 'warning']]);
    stage.keep(await accept({ port: dead }, echoing('back')));
    time += 11_000;
    expect(await ask()).toMatch(/^back/);
    expect(notices(proxy)).toEqual([
      ['SERVER_UNREACHABLE', 'warning'],
      ['SERVER_REACHED', 'note'],
    ]);
  });

  it.each([
    ['goes on asking a server whose handshake fails under a name the client chose', '{ verify: false }', 2],
    ['asks it last for a while where the rules chose the name', '{ verify: false, serverName: a.test }', 1],
  ])('%s', async (_, settings, times) => {
    const leaf = await (await createAuthority()).issue({ names: ['a.test'] });
    let failed = 0;
    const broken = await stage.server(async (connection) => {
      failed += 1;
      await connection.inlet.some(1_000);
      await connection.send(Buffer.from('no TLS for this name\r\n'));
    });
    const port = await stage.server(echoing('well'), { cert: leaf.certPem, key: leaf.keyPem });
    const rules = secureRules(broken, settings).replace(`${broken}'`, `${broken}', 'https://127.0.0.1:${port}'`);
    const proxy = await stage.proxy(rules);
    for (let round = 0; round < 2; round++) {
      const wire = await proxy.wire();
      await wire.send(GET);
      expect((await expectResponse(wire)).body.toString()).toMatch(/^well/);
    }
    expect(failed).toBe(times);
  });

  it('never goes on to the next server once a byte was sent', async () => {
    let second = 0;
    const first = await stage.server(async (connection) => {
      await nextHead(connection);
      connection.reset();
    });
    const other = await stage.server(() => {
      second += 1;
    });
    const rules = simpleRules(first)
      .replace(/servers: \[/, `$&`)
      .replace(`${first}'`, `${first}', 'http://127.0.0.1:${other}'`);
    const wire = await (await stage.proxy(rules)).wire();
    await wire.send(GET);
    expect([(await expectResponse(wire)).status, second]).toEqual([502, 0]);
  });

  it('answers 502 where no server can be reached, and says why', async () => {
    const proxy = await stage.proxy(simpleRules(await freePort()));
    const wire = await proxy.wire();
    await wire.send(GET);
    expect((await expectResponse(wire)).status).toBe(502);
    const record = await proxy.request('/');
    expect(record).toMatchObject({ status: 502, code: 'UPSTREAM_REFUSED', upstream: 'one' });
    expect(record.message).toMatch(/^one \(http:.*refused the connection \(ECONNREFUSED\)\. Is the server running/);
  });

  it('answers 504 where the TLS handshake takes longer than timeouts.connect', async () => {
    const port = await stage.server(() => {}); // accepts and says nothing
    const proxy = await stage.proxy(secureRules(port, '{ verify: false }, timeouts: { connect: 80ms }'));
    const wire = await proxy.wire();
    await wire.send(GET);
    expect((await expectResponse(wire)).status).toBe(504);
    expect(await proxy.request('/')).toMatchObject({ code: 'UPSTREAM_CONNECT_TIMEOUT' });
  });

  it('drops a dial when the client leaves', async () => {
    const port = await stage.server(() => {});
    const proxy = await stage.proxy(secureRules(port, '{ verify: false }'));
    const wire = await proxy.wire();
    await wire.send(GET);
    await new Promise((resolve) => setTimeout(resolve, 30));
    wire.reset();
    expect(await proxy.request('/')).toMatchObject({ ending: { how: 'closed', by: 'client' } });
    await expect.poll(() => proxy.edge.connections()).toBe(0);
  });
});

describe('TLS towards a server', async () => {
  const authority = await createAuthority();
  const leaf = await authority.issue({ names: ['mail.a.test'] });
  const tls = { cert: leaf.certPem, key: leaf.keyPem, ALPNProtocols: ['h2', 'http/1.1'] };
  // The store of the machine is none here: that of Node stands in.
  const readFile = (path: string): Buffer => {
    if (path === 'ca.pem') return Buffer.from(authority.certPem);
    throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
  };

  it('checks the name it is told, speaks http/1.1, and resumes its sessions', async () => {
    const sights: unknown[] = [];
    const port = await stage.server(async (connection) => {
      sights.push(connection.tls);
      await nextHead(connection);
      await connection.send(answer('secret'));
    }, tls);
    const rules = secureRules(port, '{ ca: ca.pem, serverName: mail.a.test }');
    const proxy = await stage.proxy(rules, readFile);
    for (let round = 0; round < 2; round++) {
      const wire = await proxy.wire();
      await wire.send(GET);
      expect((await expectResponse(wire)).body.toString()).toBe('secret');
    }
    expect(sights).toMatchObject([
      { serverName: 'mail.a.test', alpn: 'http/1.1' },
      { serverName: 'mail.a.test', alpn: 'http/1.1' },
    ]);
  });

  it.each([
    ['UPSTREAM_CERT_NAME', '{ ca: ca.pem, serverName: other.test }'],
    ['UPSTREAM_CERT_AUTHORITY_UNKNOWN', '{ serverName: mail.a.test }'],
  ])('answers 502 and says %s', async (code, settings) => {
    const port = await stage.server(echoing('one'), tls);
    const proxy = await stage.proxy(secureRules(port, settings), readFile);
    // Twice: a session of a refused handshake must not be resumed, where no name is checked.
    for (let round = 0; round < 2; round++) {
      const wire = await proxy.wire();
      await wire.send(GET);
      expect((await expectResponse(wire)).status).toBe(502);
    }
    expect(proxy.records).toMatchObject([{ code }, { code }]);
  });

  it('sends the Host of the request where the server is an address, on a connection of its own for each, and checks the address', async () => {
    const byAddress = await authority.issue({ names: ['127.0.0.1'] });
    const seen: string[] = [];
    const port = await stage.server(
      async (connection) => {
        const serve = echoing(connection.tls?.serverName ?? 'no name', seen);
        seen.push('connected');
        await serve(connection);
      },
      { cert: byAddress.certPem, key: byAddress.keyPem },
    );
    const wire = await (await stage.proxy(secureRules(port, '{ ca: ca.pem }'), readFile)).wire();
    const said: string[] = [];
    for (const host of ['a.test', 'B.test:8443', 'a.test', '127.0.0.1']) {
      await wire.send(`GET /${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      said.push((await expectResponse(wire)).body.toString());
    }
    expect(said).toEqual(['a.test 1 /a.test', 'b.test 1 /B.test:8443', 'a.test 1 /a.test', 'no name 1 /127.0.0.1']);
    expect(seen.filter((what) => what === 'connected')).toHaveLength(3);
  });

  it('sends the Host through the rewrite lane as well', async () => {
    const port = await stage.server((connection) => echoing(connection.tls?.serverName ?? 'no name')(connection), tls);
    const rules = secureRules(port, '{ verify: false }').replace(
      '{ to: one }',
      '{ to: one, rewrite: { path: { from: /a, to: /b } } }',
    );
    const wire = await (await stage.proxy(rules)).wire();
    for (const host of ['a.test', 'b.test']) {
      await wire.send(`GET /a HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      expect((await expectResponse(wire)).body.toString()).toBe(`${host} 1 /b`);
    }
  });

  it('never trusts a certificate for the name a client says', async () => {
    const port = await stage.server(echoing('one'), tls); // a certificate for mail.a.test, at an address
    const proxy = await stage.proxy(secureRules(port, '{ ca: ca.pem }'), readFile);
    const wire = await proxy.wire();
    await wire.send('GET / HTTP/1.1\r\nHost: mail.a.test\r\n\r\n');
    expect((await expectResponse(wire)).status).toBe(502);
    expect(await proxy.request('/')).toMatchObject({ code: 'UPSTREAM_CERT_NAME' });
  });

  it.each(['1.0', '1.1'] as const)(
    'speaks TLS %s with a server that knows nothing newer, where it is told to, and warns',
    async (version) => {
      const node = version === '1.0' ? 'TLSv1' : 'TLSv1.1';
      const rsa = await authority.issue({ names: ['mail.a.test'], keyType: 'rsa' });
      const old = {
        cert: rsa.certPem,
        key: rsa.keyPem,
        minVersion: node,
        maxVersion: node,
        ciphers: 'ALL:@SECLEVEL=0',
      } as const;
      const port = await stage.server((connection) => echoing(connection.tls?.protocol ?? '')(connection), old);
      const refusing = await stage.proxy(secureRules(port, '{ verify: false }'));
      const refused = await refusing.wire();
      await refused.send(GET);
      expect((await expectResponse(refused)).status).toBe(502);
      expect(await refusing.request('/')).toMatchObject({ code: 'UPSTREAM_TLS' });
      expect(refusing.records.filter(({ kind }) => kind === 'notice')).toEqual([]);

      const proxy = await stage.proxy(secureRules(port, `{ verify: false, minVersion: '${version}' }`));
      const wire = await proxy.wire();
      await wire.send(GET);
      expect((await expectResponse(wire)).body.toString()).toBe(`${node} 1 /`);
      expect(await proxy.notice('TLS_OBSOLETE')).toMatchObject({ severity: 'warning' });
    },
  );

  it('speaks nothing older than it is told', async () => {
    const port = await stage.server(echoing('one'), { ...tls, maxVersion: 'TLSv1.2' });
    const proxy = await stage.proxy(secureRules(port, "{ verify: false, minVersion: '1.3' }"));
    const wire = await proxy.wire();
    await wire.send(GET);
    expect((await expectResponse(wire)).status).toBe(502);
    expect(await proxy.request('/')).toMatchObject({ code: 'UPSTREAM_TLS' });
  });

  it('says so where the server speaks no TLS', async () => {
    const port = await stage.server(async (connection) => {
      await connection.inlet.some(1_000);
      await connection.send(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
    });
    const proxy = await stage.proxy(secureRules(port, '{ verify: false }'));
    const wire = await proxy.wire();
    await wire.send(GET);
    expect((await expectResponse(wire)).status).toBe(502);
    expect(await proxy.request('/')).toMatchObject({ code: 'UPSTREAM_NOT_TLS' });
  });

  it('says at the start which authority file cannot be read', async () => {
    await expect(stage.proxy(secureRules(1, '{ ca: /nowhere/ca.pem }'))).rejects.toThrow(
      /\/nowhere\/ca.pem cannot be read/,
    );
  });
});
