import { describe, expect, it } from 'vitest';
import { decidingPlace, loggedTarget, type RequestRecord, recordLevel, recordText } from './accesslog.ts';

const record: RequestRecord = {
  kind: 'request',
  at: 0,
  milliseconds: 12,
  client: '203.0.113.5:50123',
  listener: 'public',
  method: 'RPC_OUT_DATA',
  host: 'mail.contoso.com',
  target: '/rpc/rpcproxy.dll?EXCH1:6001',
  version: '1.0',
  status: 200,
  upstream: 'exchange',
  server: 'https://10.1.1.14:443',
  upstreamVersion: '1.1',
  bytesUp: 76,
  bytesDown: 28,
  ending: { how: 'closed', by: 'client' },
  channel: 'EXCH1:6001',
  rule: 'squid.conf:12',
  code: 'CHANNEL_NO_C2',
  message: 'OUT came up and CONN/C2 never did.',
};

describe('recordText', () => {
  it('prints one line, fields in a fixed order', () => {
    expect(recordText(record)).toBe(
      '203.0.113.5:50123 public RPC_OUT_DATA mail.contoso.com /rpc/rpcproxy.dll?EXCH1:6001 HTTP/1.0 200 ' +
        '-> exchange https://10.1.1.14:443 HTTP/1.1 up=76 down=28 ms=12 end=closed/client ' +
        'channel=EXCH1:6001 rule=squid.conf:12 OUT came up and CONN/C2 never did. [CHANNEL_NO_C2]',
    );
  });

  it('prints a dash for what is not known', () => {
    const { kind, at, milliseconds, client, listener, method, target, version, bytesUp, bytesDown } = record;
    const bare = { kind, at, milliseconds, client, listener, method, target, version, bytesUp, bytesDown };
    expect(recordText({ ...bare, host: '', ending: { how: 'complete', by: 'server' } })).toBe(
      '203.0.113.5:50123 public RPC_OUT_DATA - /rpc/rpcproxy.dll?EXCH1:6001 HTTP/1.0 - -> - - up=76 down=28 ms=12 end=complete',
    );
  });

  it('prints a notice with who it is about', () => {
    const notice = { kind: 'notice', at: 0, severity: 'warning', code: 'TLS_LEFT', message: 'gone.' } as const;
    expect(recordText({ ...notice, client: '192.0.2.1:5', listener: 'public' })).toBe(
      '192.0.2.1:5 public warning: gone. [TLS_LEFT]',
    );
  });
});

describe('recordLevel', () => {
  it('is info for traffic as usual and for what a client did, warn for what an administrator should see', () => {
    const { code: _code, message: _message, ...usual } = record;
    expect(recordLevel(usual)).toBe('info');
    expect(recordLevel({ ...usual, status: 403, code: 'DENIED', ending: { how: 'refused', by: 'proxy' } })).toBe(
      'info',
    );
    expect(recordLevel(record)).toBe('warn');
    expect(
      recordLevel({ ...usual, status: 502, code: 'UPSTREAM_REFUSED', ending: { how: 'refused', by: 'proxy' } }),
    ).toBe('warn');
  });
});

it('keeps of a query the channel alone', () => {
  expect(loggedTarget('/owa/auth.owa?user=anna&password=secret')).toBe('/owa/auth.owa?');
  expect(loggedTarget('/rpc/rpcproxy.dll?EXCH1:6001&x=secret')).toBe('/rpc/rpcproxy.dll?EXCH1:6001');
  expect(loggedTarget('/owa/')).toBe('/owa/');
});

it('names the line a rule was imported from before its line in the rules', () => {
  const at = { file: 'outrigger.yaml', line: 3, directive: '' };
  const from = [{ file: 'squid.conf', line: 12, directive: 'http_access' }];
  const route = { to: 'exchange', at };
  const decision = { access: 'allow', answer: 'forbidden', lane: 'relay' } as const;
  expect(decidingPlace({ ...decision, route })).toBe('outrigger.yaml:3');
  expect(decidingPlace({ ...decision, route: { ...route, from } })).toBe('squid.conf:12');
  expect(decidingPlace(decision)).toBeUndefined();
});
