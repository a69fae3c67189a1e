// What Apache makes of the name in TLS beside the Host, and of no TLS at all, asked of the installed one (AP-42 to AP-46).
// OUTRIGGER_RECORD=1 writes it down for the test that runs where there is none.
import { writeFileSync } from 'node:fs';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { describe, expect, it } from 'vitest';
import { filesOfCase } from '../testing/goldencase.ts';
import { HANDSHAKE_CASES, type Handshake, handshakesOf, recordOf } from './testing/handshakes.ts';
import { type ApacheStage, openStage, treeOf } from './testing/stage.ts';

const RECORD = process.env.OUTRIGGER_RECORD === '1';

describe.skipIf(daemonOrSkip('apache2') === undefined).each(HANDSHAKE_CASES)('$name', ({ folder }) => {
  it('is answered as it was recorded', { timeout: 60_000 }, async () => {
    const stage = await openStage(treeOf(filesOfCase(folder)));
    try {
      const asked = handshakesOf(folder);
      const found: Handshake[] = [];
      for (const each of asked) found.push({ ...each, verdict: await verdictOf(each, stage) });
      if (RECORD) writeFileSync(recordOf(folder).path, recordOf(folder).print(found));
      expect(found).toEqual(asked);
    } finally {
      await stage.close();
    }
  });
});

/** `closed`: it broke off, before or behind the handshake. */
async function verdictOf({ port, serverName, host, target }: Handshake, stage: ApacheStage): Promise<string> {
  const handshake = serverName === 'plain' ? 'plain' : { serverName: serverName === '-' ? '' : serverName };
  const question = { method: 'GET', target, host, client: '198.51.100.9', port, handshake } as const;
  return stage.ask(question).catch(() => 'closed');
}
