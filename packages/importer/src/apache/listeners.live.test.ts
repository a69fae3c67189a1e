// Which TLS versions a listener speaks, asked of the installed Apache on the lines that it was made of (AP-140, AP-141).
import { join } from 'node:path';
import { daemonOrSkip } from '@outrigger/tools/daemons';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryReader } from '../source.ts';
import { FIXTURES, filesOfCase } from '../testing/goldencase.ts';
import { importApache } from './import.ts';
import { type ApacheStage, openStage, treeOf } from './testing/stage.ts';

const VERSIONS = ['1.0', '1.1', '1.2', '1.3'] as const;
const files = filesOfCase(join(FIXTURES, 'apache/rows-listener-tls'));
const listeners = importApache({ path: '', reader: memoryReader(files) }).rules?.listen ?? [];

describe.skipIf(daemonOrSkip('apache2') === undefined)('listeners', () => {
  let stage: ApacheStage | undefined;
  beforeAll(async () => {
    stage = await openStage(treeOf(files));
  });
  afterAll(() => stage?.close());

  it('speak the TLS versions that Apache spoke', { timeout: 60_000 }, async () => {
    const [ours, theirs]: string[][] = [[], []];
    for (const { address, tls } of listeners) {
      const port = Number(/\d+$/.exec(address)?.[0]);
      const { minVersion = '1.2', maxVersion = '1.3' } = tls ?? {};
      for (const version of VERSIONS) {
        if (version >= minVersion && version <= maxVersion) ours?.push(`${port} ${version}`);
        if (await stage?.speaks(port, `TLSv${version.replace(/^1\.0$/, '1')}` as 'TLSv1.2'))
          theirs?.push(`${port} ${version}`);
      }
    }
    expect(ours).toEqual(theirs);
    expect(listeners).toHaveLength(8);
  });
});
