import { accept } from '@outrigger/tools/acceptor';
import { freePort } from '@outrigger/tools/daemons';
import { expectResponse, type Wire } from '@outrigger/tools/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { answer, echoing, nextHead, openStage, pathOf } from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());

/** Everything to `main`, and where that cannot be reached to `spare`; /web to `spare` itself. */
function rules(main: number, spare: number, settings: { main?: string; spare?: string } = {}): string {
  return `
listen: [{ address: '127.0.0.1:0' }]
upstreams:
  main: { servers: ['http://127.0.0.1:${main}'], rpcOverHttp: true, ${settings.main ?? ''} }
  spare: { servers: ['http://127.0.0.1:${spare}'], ${settings.spare ?? ''} }
access: [{ allow: {} }]
routes:
  - { when: { path: { prefix: /web } }, to: spare }
  - { to: main, fallback: spare }
`;
}

async function ask(wire: Wire, target = '/', method = 'GET'): Promise<string> {
  await wire.send(`${method} ${target} HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n`);
  const { status, body } = await expectResponse(wire);
  return status === 200 ? (body.toString().split(' ')[0] ?? '') : String(status);
}

describe('a route with a fallback', () => {
  it('goes to it where its own upstream cannot be reached, and the log says both', async () => {
    const proxy = await stage.proxy(rules(await freePort(), await stage.server(echoing('spare'))));
    expect(await ask(await proxy.wire())).toBe('spare');
    expect(await proxy.request('/')).toMatchObject({ upstream: 'spare', status: 200, code: undefined });
    expect((await proxy.notice('SERVER_UNREACHABLE')).message).toMatch(/^main \(http:/);
  });

  it('goes back when its own upstream can be reached again', async () => {
    const dead = await freePort();
    let time = 0;
    const text = rules(dead, await stage.server(echoing('spare')));
    const proxy = await stage.proxy(text, undefined, () => time);
    expect(await ask(await proxy.wire())).toBe('spare');
    stage.keep(await accept({ port: dead }, echoing('main')));
    expect(await ask(await proxy.wire())).toBe('spare');
    time = 11_000;
    expect(await ask(await proxy.wire())).toBe('main');
    await proxy.notice('SERVER_REACHED');
  });

  it('keeps a client at the upstream its connection rests at: a login of several rounds goes on where it began', async () => {
    const dead = await freePort();
    let time = 0;
    const proxy = await stage.proxy(rules(dead, await stage.server(echoing('spare'))), undefined, () => time);
    const client = await proxy.wire();
    expect(await ask(client)).toBe('spare');
    stage.keep(await accept({ port: dead }, echoing('main')));
    time = 11_000;
    expect([await ask(client), await ask(await proxy.wire())]).toEqual(['spare', 'main']);
  });

  it('keeps a client at its own upstream, though health checks have just found that down', async () => {
    let isWell = true;
    const main = await stage.server(async (connection) => {
      for (;;) {
        const head = await nextHead(connection).catch(() => undefined);
        if (head === undefined) return;
        const fails = pathOf(head) === '/well' && !isWell;
        await connection.send(fails ? Buffer.from('HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n') : answer('main 1'));
      }
    });
    const health = 'health: { path: /well, interval: 100ms }';
    const proxy = await stage.proxy(rules(main, await stage.server(echoing('spare')), { main: health }));
    const client = await proxy.wire();
    expect(await ask(client)).toBe('main');
    isWell = false;
    await proxy.notice('SERVER_DOWN');
    expect([await ask(await proxy.wire()), await ask(client)]).toEqual(['spare', 'main']);
  });

  it('is not led astray by a connection that another route made to the same upstream', async () => {
    const proxy = await stage.proxy(rules(await stage.server(echoing('main')), await stage.server(echoing('spare'))));
    const client = await proxy.wire();
    expect([await ask(client, '/web'), await ask(client, '/'), await ask(client, '/web')]).toEqual([
      'spare',
      'main',
      'spare',
    ]);
  });

  it('is not given what its upstream would refuse', async () => {
    const seen: string[] = [];
    const proxy = await stage.proxy(rules(await freePort(), await stage.server(echoing('spare', seen))));
    expect(await ask(await proxy.wire(), '/rpc', 'RPC_OUT_DATA')).toBe('502');
    expect([seen, await proxy.request('/rpc')]).toEqual([[], expect.objectContaining({ upstream: 'main' })]);
  });

  it('never gets a request of which a byte was sent', async () => {
    const seen: string[] = [];
    const main = await stage.server(async (connection) => {
      await nextHead(connection);
      connection.reset();
    });
    const proxy = await stage.proxy(rules(main, await stage.server(echoing('spare', seen))));
    expect([await ask(await proxy.wire()), seen]).toEqual(['502', []]);
  });

  it('gets the head that its own settings make', async () => {
    let head = '';
    const spare = await stage.server(async (connection) => {
      head = await nextHead(connection);
      connection.reset();
    });
    const settings = { main: 'frontEndHttps: true', spare: 'host: spare.test, requestHeaders: { remove: Cookie }' };
    const proxy = await stage.proxy(rules(await freePort(), spare, settings));
    const wire = await proxy.wire();
    await wire.send('GET / HTTP/1.1\r\nHost: a.test\r\nCookie: a=b\r\n\r\n');
    await expectResponse(wire);
    expect(head).toMatch(/^Host: spare\.test\r$/m);
    expect(head).not.toMatch(/^(?:Cookie|Front-End-Https):/im);
  });

  it('is asked first while health checks find its own upstream down', async () => {
    const seen: string[] = [];
    const main = await stage.server(async (connection) => {
      seen.push(await nextHead(connection));
      connection.finish();
    });
    const health = 'health: { path: /well, interval: 1h }';
    const proxy = await stage.proxy(rules(main, await stage.server(echoing('spare')), { main: health }));
    await proxy.notice('SERVER_DOWN');
    expect(await ask(await proxy.wire())).toBe('spare');
    expect(seen).toHaveLength(1);
  });

  it('leads to 502 where nobody can be reached, and the log names the last', async () => {
    const proxy = await stage.proxy(rules(await freePort(), await freePort()));
    expect(await ask(await proxy.wire())).toBe('502');
    expect(await proxy.request('/')).toMatchObject({ upstream: 'spare', code: 'UPSTREAM_REFUSED' });
  });
});
