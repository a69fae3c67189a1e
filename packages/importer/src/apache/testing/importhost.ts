// Imports of one virtual host, written line by line, and what a test looks at in them.
import { dumpRules } from '@outrigger/rules';
import { type ApacheOptions, importApache, memoryReader, type Translation } from '../../index.ts';

const MODULES = [
  'auth_basic',
  'authn_core',
  'alias',
  'authz_core',
  'authz_host',
  'headers',
  'proxy',
  'proxy_http',
  'remoteip',
  'rewrite',
  'ssl',
  'access_compat',
];

/** An import of one TLS virtual host with these lines in it, `outside` standing in front of it. */
export function importHost(lines: string, outside = '', options: Partial<ApacheOptions> = {}): Translation {
  const text = [
    'Listen 80',
    'Listen 443',
    ...MODULES.map((name) => `LoadModule ${name}_module modules/mod_${name}.so`),
    outside,
    '<VirtualHost *:443>',
    'ServerName mail.contoso.com',
    'SSLEngine on',
    'SSLCertificateFile /etc/ssl/mail.pem',
    lines,
    '</VirtualHost>',
  ].join('\n');
  return importApache({ path: '', reader: memoryReader({ 'httpd.conf': text }), ...options });
}

/** The rules as text. */
export const yaml = (translation: Translation): string =>
  translation.rules === undefined ? '' : dumpRules(translation.rules);
/** Prefixes of routes to upstreams that may tunnel RPC. */
export function movedPaths({ rules }: Translation): string[] {
  return (rules?.routes ?? [])
    .filter(({ to }) => rules?.upstreams.get(to)?.rpcOverHttp === true)
    .flatMap(({ when }) => when?.path ?? [{ prefix: '/' }])
    .map((path) => ('prefix' in path ? path.prefix : 'exact' in path ? path.exact : 'other'));
}
/** An Exchange behind two paths. */
export const OWA = 'ProxyPass /owa http://10.1.1.14/owa\nProxyPass /rpc http://10.1.1.14/rpc';
