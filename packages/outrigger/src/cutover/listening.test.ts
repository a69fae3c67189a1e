import { createServer } from 'node:net';
import { endianness } from 'node:os';
import { describe, expect, it } from 'vitest';
import { holdersOf, inTheWay, listeningNow, parseListening } from './listening.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const row = (address: string, state: string, inode: number): string =>
  `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 100 0 0 10 0`;

describe('who listens', () => {
  it.skipIf(endianness() !== 'LE')('is read from the tables of the kernel, connections left out', () => {
    const table = [
      HEAD,
      row('00000000:01BB', '0A', 1),
      row('0100007F:20FB', '0A', 2),
      row('0100007F:20FB', '01', 3),
      row('B80D0120000000000000000001000000:01BB', '0A', 4),
      row('00000000000000000000000000000000:0050', '0A', 5),
      row('0000000000000000FFFF00000A00007F:0051', '0A', 6),
      'half a li',
    ].join('\n');
    expect(parseListening(table)).toEqual([
      { host: '*', port: 443, inode: '1' },
      { host: '127.0.0.1', port: 8443, inode: '2' },
      { host: '2001:db8::1', port: 443, inode: '4' },
      { host: '*', port: 80, inode: '5' },
      { host: '127.0.0.10', port: 81, inode: '6' },
    ]);
  });

  it('is in the way of an address, of every address, and from every address', () => {
    const one = { host: '10.0.0.1', port: 443, inode: '1' };
    const any = { host: '*', port: 80, inode: '2' };
    const all = [one, any];
    expect(inTheWay(all, { host: '*', port: 443 })).toEqual([one]);
    expect(inTheWay(all, { host: '10.0.0.2', port: 443 })).toEqual([]);
    expect(inTheWay(all, { host: '127.0.0.1', port: 80 })).toEqual([any]);
    expect(inTheWay([{ host: '::1', port: 1, inode: '3' }], { host: '0:0:0:0:0:0:0:1', port: 1 })).toHaveLength(1);
  });

  it('is this very process, by its own socket', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    try {
      const { port } = server.address() as { port: number };
      const found = inTheWay(listeningNow(), { host: '127.0.0.1', port });
      expect(found).toMatchObject([{ host: '127.0.0.1', port }]);
      expect(holdersOf(found)).toContainEqual({ pid: process.pid, parent: process.ppid, program: process.execPath });
    } finally {
      await new Promise((done) => server.close(done));
    }
  });
});
