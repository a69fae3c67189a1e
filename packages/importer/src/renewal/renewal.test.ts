import { describe, expect, it } from 'vitest';
import { memoryReader } from '../source.ts';
import { type PortEighty, renewalAdvice } from './advice.ts';
import { readRenewals } from './renewals.ts';

const LE = '/etc/letsencrypt';
const certbot = (lines: string): Record<string, string> => ({
  [`${LE}/renewal/www.contoso.com.conf`]: `version = 2.1.0\ncert = ${LE}/live/www.contoso.com/cert.pem\n\n[renewalparams]\naccount = 0123\n${lines}\n`,
});
const acmeSh = (lines: string): Record<string, string> => ({
  '/root/.acme.sh/www.contoso.com_ecc/www.contoso.com.conf': `Le_Domain='www.contoso.com'\nLe_Alt='no'\n${lines}\n`,
  '/root/.acme.sh/ca/account.conf': "ACCOUNT_EMAIL='a@contoso.com'\n",
});
const WEBROOT =
  'authenticator = webroot\nwebroot_path = /var/www/a,\n[[webroot_map]]\nwww.contoso.com = /var/www/html\n';

const read = (files: Record<string, string>) => readRenewals(memoryReader(files));

describe('renewals', () => {
  it.each<[string, Record<string, string>, object]>([
    [
      'certbot in a folder',
      certbot(WEBROOT),
      {
        client: 'certbot',
        name: 'www.contoso.com',
        method: 'webroot',
        webroot: '/var/www/html',
        tellsOutrigger: false,
      },
    ],
    [
      'certbot in a folder without a map',
      certbot('authenticator = webroot\nwebroot_path = /a, /b'),
      { method: 'webroot', webroot: '/a' },
    ],
    ['certbot by its plugin for Apache', certbot('authenticator = apache\ninstaller = apache'), { method: 'apache' }],
    [
      'certbot on its own',
      certbot('authenticator = standalone\nrenew_hook = systemctl reload outrigger'),
      { method: 'standalone', tellsOutrigger: true },
    ],
    [
      'certbot by DNS, with a hook for all',
      { ...certbot('authenticator = dns-cloudflare'), [`${LE}/renewal-hooks/deploy/50`]: 'systemctl reload outrigger' },
      { method: 'dns', tellsOutrigger: true },
    ],
    ['certbot by a plugin of others', certbot('authenticator = haproxy'), { method: 'other', written: 'haproxy' }],
    [
      'acme.sh in a folder',
      acmeSh(
        "Le_Webroot='/var/www/html'\nLe_ReloadCmd='__ACME_BASE64__START_c3lzdGVtY3RsIHJlbG9hZCBvdXRyaWdnZXI=__ACME_BASE64__END_'",
      ),
      { client: 'acme.sh', method: 'webroot', webroot: '/var/www/html', tellsOutrigger: true },
    ],
    ['acme.sh on port 443', acmeSh("Le_Webroot='alpn'"), { method: 'tls-alpn', tellsOutrigger: false }],
    ['acme.sh on its own', acmeSh("Le_Webroot='no'"), { method: 'standalone' }],
    ['acme.sh by DNS', acmeSh("Le_Webroot='dns_cf,dns_cf'"), { method: 'dns' }],
    [
      'dehydrated',
      {
        '/etc/dehydrated/config': '# CHALLENGETYPE="dns-01"\nHOOK=/etc/dehydrated/hook.sh\n',
        '/etc/dehydrated/hook.sh': 'deploy_cert() { systemctl reload outrigger; }',
      },
      { client: 'dehydrated', method: 'webroot', webroot: '/var/www/dehydrated', tellsOutrigger: true },
    ],
    ['dehydrated on port 443', { '/etc/dehydrated/config': 'CHALLENGETYPE="tls-alpn-01"\n' }, { method: 'tls-alpn' }],
  ])('are read of %s', (_, files, expected) => {
    expect(read(files)).toMatchObject([expected]);
  });

  it('are none where no client is', () => {
    expect(read({ '/etc/hosts': '' })).toEqual([]);
  });

  it.each<[string, Record<string, string>, PortEighty, boolean, RegExp, string[]]>([
    [
      'a folder',
      certbot(WEBROOT),
      'stays',
      false,
      /^it goes on over port 80, which stays/,
      [
        "printf '#!/bin/sh\\nsystemctl reload outrigger\\n' > /etc/letsencrypt/renewal-hooks/deploy/outrigger",
        'chmod 755 /etc/letsencrypt/renewal-hooks/deploy/outrigger',
      ],
    ],
    [
      'a folder, through Outrigger',
      certbot(`${WEBROOT}`),
      'outrigger',
      false,
      /redirect: https lets .*acme-challenge.* through/,
      [],
    ],
    [
      'the plugin for Apache',
      certbot('authenticator = apache\nrenew_hook = outrigger'),
      'stays',
      false,
      /would write Listen 443 into Apache again/,
      [],
    ],
    [
      'the plugin for Apache without its port',
      certbot('authenticator = apache\nrenew_hook = outrigger'),
      'outrigger',
      true,
      /change to a folder/,
      ['certbot reconfigure --cert-name www.contoso.com --authenticator webroot --webroot-path FOLDER'],
    ],
    [
      'port 443',
      acmeSh("Le_Webroot='alpn'\nLe_ReloadCmd='outrigger'"),
      'stays',
      true,
      /answers no tls-alpn-01/,
      ['acme.sh --issue -d www.contoso.com --webroot FOLDER --force'],
    ],
    [
      'DNS',
      certbot('authenticator = dns-rfc2136\nrenew_hook = outrigger'),
      'outrigger',
      false,
      /nothing changes; its hook tells Outrigger already$/,
      [],
    ],
  ])('that are proven by %s: what changes is said', (_, files, portEighty, must, sentence, commands) => {
    const [renewal] = read(files);
    if (renewal === undefined) throw new Error('it was not read');
    const advice = renewalAdvice(renewal, portEighty);
    expect(advice).toMatchObject({ must });
    expect(advice.sentence).toMatch(sentence);
    if (commands.length > 0 || renewal.tellsOutrigger) expect(advice.commands).toEqual(commands);
  });
});
