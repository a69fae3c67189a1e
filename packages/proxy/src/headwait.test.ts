import { expectResponse } from '@outrigger/tools/wire';
import { afterEach, expect, it } from 'vitest';
import { answer, nextHead, openStage, PATIENCE, pathOf, simpleRules } from './testing/stage.ts';

// Limits of a head that comes slowly, or not at all, are in connection.test.ts.

const stage = openStage();
afterEach(() => stage.close());

const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

it('counts rest from one request to the next, and none while an answer is under way', async () => {
  const port = await stage.server(async (connection) => {
    for (const path of ['/slow', '/next']) {
      expect(pathOf(await nextHead(connection))).toBe(path);
      await connection.inlet.some(200); // longer than a client may rest
      await connection.send(answer(path));
    }
  });
  const proxy = await stage.proxy(`${simpleRules(port)}limits: { keepAlive: 80ms }\n`);
  const wire = await proxy.wire();
  await wire.send(GET('/slow'));
  expect((await expectResponse(wire)).body.toString()).toBe('/slow');
  await wire.send(GET('/next'));
  expect((await expectResponse(wire)).body.toString()).toBe('/next');
  const rested = performance.now();
  expect((await wire.inlet.rest(PATIENCE)).bytes.length).toBe(0);
  expect(performance.now() - rested).toBeLessThan(PATIENCE);
});
