import { createAuthority } from '@outrigger/tools/certs';
import { expectResponse } from '@outrigger/tools/wire';
import { afterEach, expect, it } from 'vitest';
import { echoing, openStage, simpleRules } from './testing/stage.ts';

const stage = openStage();
afterEach(() => stage.close());

it('keeps at most eight connections of a client to one upstream, however many hosts it asks for', async () => {
  const leaf = await (await createAuthority()).issue({ names: ['a.test'] });
  let open = 0;
  const port = await stage.server(
    async (connection) => {
      open += 1;
      await echoing('one')(connection);
      open -= 1;
    },
    { cert: leaf.certPem, key: leaf.keyPem },
  );
  const rules = simpleRules(port, 'tls: { verify: false }').replace('http://127', 'https://127');
  const wire = await (await stage.proxy(rules)).wire();
  for (let number = 0; number < 20; number++) {
    await wire.send(`GET / HTTP/1.1\r\nHost: h${number}.test\r\n\r\n`);
    expect((await expectResponse(wire)).status).toBe(200);
  }
  await expect.poll(() => open).toBe(8);
});
