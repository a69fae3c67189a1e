// What Apache was recorded to make of the name in TLS beside the Host, against the imported rules, which see the Host alone.
import { describe, expect, it } from 'vitest';
import { memoryReader } from '../source.ts';
import { filesOfCase } from '../testing/goldencase.ts';
import { importApache } from './import.ts';
import { HANDSHAKE_CASES, handshakesOf } from './testing/handshakes.ts';
import { fateIn, isAsApache } from './testing/realistic.ts';

describe.each(HANDSHAKE_CASES)('$name', ({ folder }) => {
  const { rules, ledger } = importApache({ path: '', reader: memoryReader(filesOfCase(folder)) });
  // What a client without a name in TLS is answered is announced where Apache is strict about it (AP-44).
  const saysStrict = ledger.some(
    ({ at, remarks }) => /^SSLStrict/.test(at.directive) && remarks.some(({ message }) => /send no name/.test(message)),
  );

  it.each(handshakesOf(folder).filter(({ serverName }) => serverName !== 'plain'))(
    'port $port, $serverName in TLS, Host $host: $verdict',
    ({ port, serverName, host, target, verdict }) => {
      if (rules === undefined) throw new Error('no rules');
      const listener = rules.listen.find(({ address }) => address.endsWith(`:${port}`))?.address ?? '';
      const row = { fate: 'may', method: 'GET', host, target, client: '198.51.100.9', listener } as const;
      if (serverName === '-' && verdict === 'denied') expect(saysStrict).toBe(true);
      else expect(isAsApache(fateIn(rules, row, serverName === '-' ? '' : serverName), verdict)).toBe(true);
    },
  );

  it('makes no listener of a port that speaks no TLS, and one of each that does', () => {
    const ports = new Set(handshakesOf(folder).map(({ port }) => port));
    const plain = handshakesOf(folder).filter(({ serverName }) => serverName === 'plain');
    const speakTls = plain.filter(({ verdict }) => verdict === 'status 400').map(({ port }) => port);
    const listened = rules?.listen.map(({ address }) => Number(/\d+$/.exec(address)?.[0])) ?? [];
    expect([...ports].filter((port) => listened.includes(port))).toEqual([...new Set(speakTls)]);
  });
});
