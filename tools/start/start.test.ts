import { dirname } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startApache } from '../apache/index.ts';
import { createAuthority } from '../certs.ts';
import { startExchange } from '../exchange/index.ts';
import { createAccount, wantsColour } from './account.ts';
import { topFolder } from './programs.ts';
import { prove } from './proof.ts';
import { mapConf } from './stage.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

describe('the copy of the old configuration', () => {
  const original = [
    'https_port 203.0.113.10:443 accel cert=/etc/ssl/contoso/contoso_com.crt',
    'cache_peer 127.0.0.1 parent 443 0 name=webServer',
    'cache_peer 10.1.1.14 parent 443 0 name=exchangeServer',
    'access_log /var/log/squid/access.log squid',
  ].join('\n');
  const to = { front: '127.0.0.1:8443', exchange: 1, apache: 2, folder: '/tmp/x' };

  it('says the same of this machine', () => {
    expect(mapConf(original, to)).toEqual({
      kind: 'mapped',
      conf: [
        'https_port 127.0.0.1:8443 accel cert=/tmp/x/contoso_com.crt',
        'cache_peer 127.0.0.1 parent 2 0 name=webServer',
        'cache_peer 127.0.0.1 parent 1 0 name=exchangeServer',
        'access_log /tmp/x/access.log squid',
      ].join('\n'),
    });
  });

  it('is not made from an original that says something else', () => {
    expect(mapConf(original.replace('10.1.1.14', '10.1.1.15'), to)).toEqual({
      kind: 'missing',
      text: 'cache_peer 10.1.1.14 parent 443 ',
    });
  });
});

it('names the step at which the proof fails, and stops there', async () => {
  const leaf = await (await createAuthority()).issue({ names: ['contoso.com'] });
  const tls = { cert: leaf.certPem, key: leaf.keyPem };
  const [exchange, apache] = [await startExchange({ tls }), await startApache({ tls })];
  closers.push(
    () => exchange.close(),
    () => apache.close(),
  );
  const tell = async (port: number) => {
    let told = '';
    const account = createAccount((text) => {
      told += text;
    }, false);
    const to = { host: '127.0.0.1', port, tls: { rejectUnauthorized: false } };
    expect(await prove({ to, host: 'contoso.com', exchange }, account)).toBe(false);
    return told;
  };
  expect(await tell(exchange.port)).toBe(
    'FAIL  a page of the website comes from Apache: / was answered 404 by exchange\n',
  );
  expect(await tell(apache.port)).toMatch(
    /^ {2}ok {2}a page of the website.*\nFAIL {2}a page of Outlook.*answered 200 by apache\n$/,
  );
});

it('uses colour only on a terminal, and not where NO_COLOR is set', () => {
  expect(wantsColour({ isTTY: true }, {})).toBe(true);
  expect(wantsColour({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
  expect(wantsColour({}, {})).toBe(false);
});

it('finds the top of the workspace from anywhere inside it', () => {
  expect(topFolder(import.meta.dirname)).toBe(topFolder(dirname(import.meta.dirname)));
  expect(() => topFolder('/')).toThrow('not inside the workspace');
});
