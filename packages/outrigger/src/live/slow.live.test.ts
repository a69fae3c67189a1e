import { measureSlowClients } from '@outrigger/tools/bench/slowclients';
import { expect, it } from 'vitest';

// A small edition of the measurement `node tools/dist/bench/slow.js`, which is for 10,000 connections and takes minutes.

const CONNECTIONS = 2_000;
/** MiB the proxy may grow by: 90 were measured; a head buffered at its full size for each would take 250 more. */
const GROWTH = 160;

it.skipIf(process.platform !== 'linux')(
  'serves visitors while 2,000 connections send a byte a second, and does not grow beyond measure',
  { timeout: 180_000 },
  async () => {
    const { most, memoryBefore, memoryPeak, served } = await measureSlowClients({
      connections: CONNECTIONS,
      seconds: 5,
      tls: true,
    });
    expect(most).toBe(CONNECTIONS);
    expect(served.requests).toBeGreaterThan(20);
    expect(served.failures).toBe(0);
    expect(memoryPeak - memoryBefore).toBeLessThan(GROWTH);
  },
);
