import { expect, it } from 'vitest';
import { importSquid, memoryReader } from '../index.ts';

const SITE = 'http_port 80 accel vhost\ncache_peer 10.1.1.1 parent 80 0 no-query originserver name=web';

function importWith(lines: string, peer = '') {
  const text = `${SITE}${peer}\nhttp_access allow all\n${lines}\n`;
  const { rules, ledger } = importSquid({ files: ['squid.conf'], reader: memoryReader({ 'squid.conf': text }) });
  if (rules === undefined) throw new Error('the import wrote no rules');
  return { limits: rules.limits, timeouts: rules.upstreams.get('web')?.timeouts, ledger };
}

it('carries waits for heads and their size', () => {
  const { limits } = importWith(
    'request_timeout 1 minute\nclient_idle_pconn_timeout 2 minutes\nrequest_header_max_size 8 KB',
  );
  expect(limits).toMatchObject({ headTime: 60_000, keepAlive: 120_000, head: 8_192, requestLine: 8_192 });
});

it('takes the last line of a name, and says so of the first', () => {
  const { limits, ledger } = importWith('request_timeout 1 minute\nrequest_timeout 2 minutes');
  expect(limits.headTime).toBe(120_000);
  const first = ledger.find(({ at }) => at.line === 4);
  expect(first?.remarks.map(({ message }) => message)).toContain('a later line sets it again');
});

it('keeps the default where a line sets no limit', () => {
  expect(importWith('request_timeout 0').limits).toEqual(importWith('').limits);
});

it('never cuts a channel shorter than the default by read_timeout', () => {
  const { timeouts } = importWith('read_timeout 5 minutes');
  const usual = importWith('').timeouts;
  expect(timeouts).toMatchObject({ answer: 300_000, idle: 300_000, tunnelIdle: usual?.tunnelIdle });
});

it('lets a peer say itself how long a connection may take', () => {
  expect(importWith('peer_connect_timeout 7 seconds').timeouts?.connect).toBe(7_000);
  expect(importWith('peer_connect_timeout 7 seconds', ' connect-timeout=3').timeouts?.connect).toBe(3_000);
});
