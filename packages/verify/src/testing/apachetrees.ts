// Room: Apache configurations that mean something, made at random for tests: one or several addresses and virtual hosts with the names
// that people give them, any lines in them, and the ways of writing that the reader of Apache resolves. What is found is shrunk.
import fc from 'fast-check';
import { balancer, EXCHANGE, type Lines, line, mainLine } from './apachelines.ts';

/** Path to content, one character a byte. The main file is `httpd.conf`. */
export type Tree = Record<string, string>;

const MODULES =
  `access_compat alias allowmethods auth_basic authn_core authz_core authz_host authz_user dir env headers lbmethod_bybusyness
  lbmethod_byrequests lbmethod_bytraffic macro mpm_event proxy proxy_balancer proxy_http rewrite setenvif slotmem_shm ssl status`.split(
    /\s+/,
  );

/** Where it listens, and the words of VirtualHost that fit. */
const DOORS = [
  { weight: 6, listens: ['Listen 443'], addresses: ['*:443', '*:443', '_default_:443', '*'] },
  { weight: 1, listens: ['Listen 443', 'Listen 8443 https'], addresses: ['*:443', '*:8443', '*:443 *:8443', '*:*'] },
  {
    weight: 1,
    listens: ['Listen 192.0.2.1:443', 'Listen 192.0.2.2:443'],
    addresses: ['192.0.2.1:443', '192.0.2.2:443', '*:443', '192.0.2.1', '192.0.2.1:443 192.0.2.2:443'],
  },
  { weight: 1, listens: ['Listen 443'], addresses: ['*:443', '192.0.2.1:443', '192.0.2.2:*', '_default_:*'] },
  { weight: 1, listens: ['Listen 80', 'Listen 443'], addresses: ['*:443', '*:80', '*'] },
] as const;

const names = fc
  .tuple(
    fc.constantFrom(
      ...[
        'mail.contoso.com',
        'mail.contoso.com',
        'www.contoso.com',
        'contoso.com',
        'MAIL.contoso.com:443',
        '192.0.2.1',
        '',
      ],
      'https://mail.contoso.com',
    ),
    fc.array(
      fc.constantFrom(
        '*.contoso.com',
        'm?il.contoso.com',
        'autodiscover.contoso.com',
        '*',
        'www.contoso.com mail',
        'mail*',
        '192.0.2.1',
      ),
      { maxLength: 2 },
    ),
  )
  .map(([name, aliases]) => [
    ...(name === '' ? [] : [`ServerName ${name}`]),
    ...aliases.map((alias) => `ServerAlias ${alias}`),
  ]);

/** Ways of writing lines that mean the same to Apache; a second file where one is named. */
const LAYOUTS: readonly ((lines: Lines, index: number) => { lines: Lines; files?: Tree })[] = [
  ...Array.from({ length: 8 }, () => (lines: Lines) => ({ lines })),
  (lines) => ({ lines: lines.replace(/^/gm, '\t') }),
  (lines) => ({ lines: lines.replace(' ', ' \\\n    ') }),
  (lines) => ({ lines: `<IfModule mod_proxy.c>\n${lines}\n</IfModule>` }),
  (lines) => ({ lines: `<IfModule !nosuch_module>\n${lines}\n</IfModule>` }),
  (lines) => ({ lines: `<IfModule mod_nosuch.c>\nNosuch on\n</IfModule>\n<IfVersion >= 2.4>\n${lines}\n</IfVersion>` }),
  (lines) => ({ lines: `<IfDefine GIVEN>\n${lines}\n</IfDefine>` }),
  (lines) => ({ lines: `<IfDefine !GIVEN>\nRequire all denied\n</IfDefine>\n${lines}` }),
  (lines) => ({ lines: lines.replaceAll(EXCHANGE, '$'.concat('{exchange}')) }),
  (lines, index) => ({
    lines: `<Macro M${index} $owa>\n${lines.replaceAll('/owa', '$owa')}\n</Macro>\nUse M${index} /owa`,
  }),
  (lines, index) => ({ lines: `Include part/${index}-*.conf`, files: { [`part/${index}-a.conf`]: `${lines}\n` } }),
  (lines) => ({ lines: `IncludeOptional none/*.conf\n${lines}` }),
  (lines) => ({ lines: lines.replace(/^\w+/, (name) => name.toLowerCase()) }),
];

const laid = (one: fc.Arbitrary<Lines>, most: number, least = 0): fc.Arbitrary<{ text: Lines; layout: number }[]> =>
  fc.array(fc.record({ text: one, layout: fc.nat(LAYOUTS.length - 1) }), { minLength: least, maxLength: most });

/** A whole configuration that Apache most likely takes. Lines of the main server come before the virtual hosts'. */
export const apacheTrees: fc.Arbitrary<Tree> = fc
  .oneof(...DOORS.map(({ weight, ...door }) => ({ weight, arbitrary: fc.constant(door) })))
  .chain(({ listens, addresses }) =>
    fc.record({
      listens: fc.constant(listens),
      main: laid(mainLine, 2),
      farm: fc.option(balancer, { freq: 3 }),
      hosts: fc.array(
        fc.record({
          address: fc.constantFrom(...addresses),
          names,
          lines: laid(line, 8, 2),
          engine: fc.boolean(),
          isPlain: fc.integer({ min: 0, max: 11 }).map((each) => each === 0),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    }),
  )
  .map(({ listens, main, farm, hosts }) => {
    const files: Tree = {};
    let count = 0;
    const write = (lines: readonly { text: Lines; layout: number }[]): Lines[] =>
      lines.map(({ text, layout }) => {
        count += 1;
        const written = LAYOUTS[layout]?.(text, count) ?? { lines: text };
        Object.assign(files, written.files);
        return written.lines;
      });
    const text = [
      ...MODULES.map((name) => `LoadModule ${name}_module modules/mod_${name}.so`),
      'Define GIVEN',
      `Define exchange ${EXCHANGE}`,
      ...listens,
      'ServerName main.test',
      ...(farm === null ? [] : [farm]),
      ...write(main),
      ...hosts.flatMap((host) => [
        `<VirtualHost ${host.address}>`,
        ...host.names,
        ...(host.isPlain ? [] : ['SSLEngine on', 'SSLCertificateFile /etc/ssl/mail.pem']),
        ...(host.engine ? ['RewriteEngine On'] : []),
        ...write(host.lines),
        '</VirtualHost>',
      ]),
      '',
    ];
    return { ...files, 'httpd.conf': text.join('\n') };
  });
