import { describe, expect, it } from 'vitest';
import { channelFinding, channelOf } from './channel.ts';

const GIB = 1_073_741_824;

describe('channelOf', () => {
  it.each([
    ['/rpc/rpcproxy.dll?EXCH1:6001', 'EXCH1:6001'],
    ['/rpc/rpcproxy.dll?3f1c-a@contoso.com:6004', '3f1c-a@contoso.com:6004'],
    ['/rpc/rpcproxy.dll?EXCH1:6001&token=secret', 'EXCH1:6001'],
    ['/rpc/rpcproxy.dll', undefined],
    ['/owa/?ae=Item&id=secret:1', undefined],
  ])('%s names %s', (target, expected) => {
    expect(channelOf(target)).toBe(expected);
  });
});

describe('channelFinding', () => {
  const seen = { bytesUp: 0, bytesDown: 0 };
  it.each([
    ['a login round', { ...seen, method: 'RPC_IN_DATA', announced: 0, status: 401 }, undefined],
    ['an echo request', { ...seen, method: 'RPC_OUT_DATA', announced: 4, status: 200, bytesDown: 20 }, undefined],
    ['IN that was up', { ...seen, method: 'RPC_IN_DATA', announced: GIB, bytesUp: 104 }, undefined],
    ['IN with no PDU', { ...seen, method: 'RPC_IN_DATA', announced: GIB }, 'CHANNEL_NO_B1'],
    ['IN refused', { ...seen, method: 'RPC_IN_DATA', announced: GIB, status: 401 }, 'CHANNEL_LOGIN_REFUSED'],
    ['IN at no RPC proxy', { ...seen, method: 'RPC_IN_DATA', announced: GIB, status: 404 }, 'CHANNEL_REFUSED'],
    ['OUT that was up', { ...seen, method: 'RPC_OUT_DATA', announced: 76, status: 200, bytesDown: 72 }, undefined],
    ['OUT alone', { ...seen, method: 'RPC_OUT_DATA', announced: 76, status: 200, bytesDown: 28 }, 'CHANNEL_NO_C2'],
    ['OUT with no PDU', { ...seen, method: 'RPC_OUT_DATA', announced: 76, status: 200 }, 'CHANNEL_NO_A3'],
    ['OUT without an answer', { ...seen, method: 'RPC_OUT_DATA', announced: 76 }, undefined],
    ['a gateway', { ...seen, method: 'RDG_OUT_DATA', announced: 76, status: 200 }, undefined],
  ])('%s: %j is %s', (_name, given, code) => {
    expect(channelFinding(given)?.code).toBe(code);
  });
});
