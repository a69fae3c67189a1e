import { expectResponse } from '@outrigger/tools/wire';
import { afterEach, expect, it } from 'vitest';
import { answer, nextHead, openStage, pathOf, simpleRules } from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());

it('waits as long as the route says, and as its upstream where the route says nothing', async () => {
  const port = await stage.server(async (connection) => {
    const head = await nextHead(connection);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await connection.send(answer(pathOf(head)));
  });
  const rules = simpleRules(port).replace(
    '{ to: one }',
    '{ when: { path: { prefix: /short } }, to: one, timeouts: { answer: 60ms } }, { to: one }',
  );
  const proxy = await stage.proxy(rules);
  const statuses = await Promise.all(
    ['/short', '/long'].map(async (path) => {
      const wire = await proxy.wire();
      await wire.send(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
      return (await expectResponse(wire)).status;
    }),
  );
  expect(statuses).toEqual([504, 200]);
  expect(await proxy.request('/short')).toMatchObject({ code: 'UPSTREAM_ANSWER_TIMEOUT' });
});
