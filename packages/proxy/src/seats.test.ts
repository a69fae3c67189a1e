import { expectResponse, type Wire } from '@outrigger/tools/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { createSeats } from './seats.ts';
import { echoing, heldAnswer, openStage } from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());

describe('the places at a server', () => {
  it('are taken until somebody leaves, however often that is said', () => {
    const seats = createSeats(1);
    const first = seats.take();
    expect([first === undefined, seats.take()]).toEqual([false, undefined]);
    first?.leave();
    first?.leave();
    expect([seats.take() === undefined, seats.take()]).toEqual([false, undefined]);
  });

  it('are given up by the one longest at rest, and by none in use', () => {
    const ended: string[] = [];
    const seats = createSeats(3);
    const [a, b, c] = [seats.take(), seats.take(), seats.take()];
    a?.rest(() => ended.push('a'));
    b?.rest(() => ended.push('b'));
    c?.rest(() => ended.push('c'));
    a?.wake();
    a?.rest(() => ended.push('a again'));
    b?.wake();
    expect([seats.take() !== undefined, ended]).toEqual([true, ['c']]);
    expect([seats.take() !== undefined, ended]).toEqual([true, ['c', 'a again']]);
    expect([seats.take(), ended]).toEqual([undefined, ['c', 'a again']]);
    c?.rest(() => ended.push('of one that has left'));
    expect(seats.take()).toBeUndefined();
  });
});

/** These servers behind one upstream, one connection for each; `spare` is the fallback of /spare. */
function rules(ports: number[], spare = 1, route = ''): string {
  return `
listen: [{ address: '127.0.0.1:0' }]
upstreams:
  farm: { servers: [${ports.map((port) => `'http://127.0.0.1:${port}'`)}], connectionsPerServer: 1, rpcOverHttp: true }
  spare: { servers: ['http://127.0.0.1:${spare}'] }
access: [{ allow: {} }]
routes: [{ when: { path: { prefix: /spare } }, to: farm, fallback: spare }, { to: farm ${route} }]
`;
}

async function ask(wire: Wire, target = '/x'): Promise<string> {
  await wire.send(`GET ${target} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
  const { status, body } = await expectResponse(wire);
  return status === 200 ? body.toString().slice(0, 1) : String(status);
}

describe('connectionsPerServer', () => {
  it('sends the next connection to the next server, then to the fallback, and then answers 503', async () => {
    const held = [heldAnswer(), heldAnswer()];
    const ports = await Promise.all(held.map(({ serve }) => stage.server(serve)));
    const proxy = await stage.proxy(rules(ports, await stage.server(echoing('spare'))));
    const busy = [await proxy.wire(), await proxy.wire()];
    for (const [index, wire] of busy.entries()) {
      await wire.send('GET /held HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
      await held[index]?.begun;
    }
    expect(await ask(await proxy.wire(), '/spare')).toBe('s');
    expect(await ask(await proxy.wire())).toBe('503');
    expect(await proxy.request('/x')).toMatchObject({ code: 'SERVER_FULL', upstream: 'farm', status: 503 });
    for (const { go } of held) go();
    for (const wire of busy) expect((await expectResponse(wire)).body.toString()).toBe('finished');
  });

  it('counts tunnels', async () => {
    const { begun, serve } = heldAnswer();
    const proxy = await stage.proxy(rules([await stage.server(serve)]));
    const tunnel = await proxy.wire();
    await tunnel.send('RPC_IN_DATA /rpc HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1073741824\r\n\r\n');
    await begun;
    expect(await ask(await proxy.wire())).toBe('503');
  });

  describe.each([
    ['relay', ''],
    ['rewrite', ', rewrite: { path: { from: /x, to: /x } }'],
  ])('in the %s lane', (_, route) => {
    it('ends a connection that rests where another client needs its place, and dials anew for its client', async () => {
      const proxy = await stage.proxy(rules([await stage.server(echoing('a'))], 1, route));
      const [one, other] = [await proxy.wire(), await proxy.wire()];
      for (const wire of [one, other, one, one, other]) expect(await ask(wire)).toBe('a');
      expect(proxy.records.filter((record) => record.kind === 'request' && record.status !== 200)).toEqual([]);
    });

    it('has a place again when a connection is closed', async () => {
      const proxy = await stage.proxy(rules([await stage.server(echoing('a'))], 1, route));
      for (let round = 0; round < 3; round += 1) {
        const wire = await proxy.wire();
        expect(await ask(wire)).toBe('a');
        await wire.close();
      }
    });
  });
});
