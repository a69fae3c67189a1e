// Room: what of an Apache tree can be broken, for tests: words, lines and blocks of its language.
import { type Dialect, HOSTILE_PATTERNS, includingFiles, MANY, ODD_BYTES } from '../../testing/mutations.ts';

const INSERTS = [
  ...ODD_BYTES,
  '\x24{x}',
  '\x24{',
  '%{HTTP_HOST}',
  '{{ x }}',
  '<%= x %>',
  '<',
  '>',
  '</',
  ' * ',
  '_default_',
  '[::]',
  ':443',
  '/',
  '//',
  '%2f',
  '(',
  ')',
  '[',
  '$1',
  '\n<IfModule mod_ssl.c>\n',
  '\n</IfModule>\n',
  '\n<VirtualHost *:443>\n',
  '\n</VirtualHost>\n',
  '\n<Location />\n',
  '\n<If "true">\n',
  '\nRequire all denied\n',
  '\nInclude httpd.conf\n',
  '\nIncludeOptional *\n',
  '\nDefine x y\n',
  '\nUnDefine x\n',
] as const;

const HOSTILE_LINES = [
  ...HOSTILE_PATTERNS.flatMap((pattern) => [
    `RewriteRule ${pattern} http://10.9.9.1/ [P]`,
    `RedirectMatch "${pattern}" /owa`,
    `ProxyPassMatch "${pattern}" http://10.9.9.1/$1`,
    `<LocationMatch "${pattern}">\nRequire all denied\n</LocationMatch>`,
  ]),
  `Listen ${'9'.repeat(300)}`,
  'Listen [::1:443 https',
  'Listen 1.2.3.4.5:0 ftp',
  `ServerAlias ${Array.from({ length: MANY }, (_, index) => `h${index}.example`).join(' ')}`,
  `ServerAlias ${'*.?'.repeat(MANY)}`,
  `ServerName ${'a.'.repeat(MANY)}`,
  `ProxyPass /${'a/'.repeat(MANY)} http://10.9.9.1/`,
  `ProxyPass /owa http://${'a'.repeat(70_000)}/owa`,
  'ProxyPass /owa http://[::1/owa',
  'ProxyPass /owa balancer://nobody/owa timeout=99999999999999999999 retry=-1 x=',
  'ProxyPass ! / http://',
  `Require ip ${Array.from({ length: MANY }, (_, index) => `10.${index % 256}.${index >> 8}.0/24`).join(' ')}`,
  'Require ip 1.2.3.4/99 1.2.3/8 ::1/129 10.0.0.0/255.0.255.0 /',
  `Allow from ${'all '.repeat(MANY)}`,
  'Order allow,deny,allow',
  `<If "${'('.repeat(MANY)}">\n</If>`,
  `<If "${'! '.repeat(MANY)}true">\n</If>`,
  `RewriteCond %{${'HTTP:'.repeat(MANY)}} ^\nRewriteRule ^ - [${'NE,'.repeat(MANY)}F]`,
  `RewriteRule ^ - [${'S=99999999999,'.repeat(200)}N]`,
  'Define loop \x24{loop}\nDefine hop \x24{loop}\x24{loop}\nServerName \x24{hop}',
  ...['x', '$x', '$x $x', '$x $xy'].map((names) => `<Macro M ${names}>\nUse M ${names}\n</Macro>\nUse M 1 2`),
  '<Macro A>\nUse B\n</Macro>\n<Macro B>\nUse A\n</Macro>\nUse A',
  `${'a'.repeat(100_000)} b`,
  `ServerAdmin ${`${'"\\'.repeat(MANY)}\\\n`.repeat(10)}`,
  `ServerAlias ${`${'a '.repeat(MANY)}\\\n`.repeat(10)}`,
];

const CROWDS = [
  (count: number) =>
    Array.from({ length: count }, (_, index) => [
      '<VirtualHost *:443>',
      `ServerName c${index}.example`,
      'SSLEngine on',
      `ProxyPass /owa http://10.0.${index >> 8}.${index % 256}/owa`,
      '</VirtualHost>',
    ]).flat(),
  (count: number) => Array.from({ length: count }, (_, index) => `ProxyPass /owa${index} http://10.0.0.1/owa${index}`),
  (count: number) =>
    Array.from({ length: count }, (_, index) => [
      `<Location /owa/${index}>`,
      `Require ip 10.${index}.0.0/16`,
      '</Location>',
    ]).flat(),
  (count: number) =>
    Array.from({ length: count }, (_, index) => [
      `RewriteCond %{HTTP_HOST} ^c${index}\\.example$ [OR]`,
      `RewriteCond %{REQUEST_URI} ^/c${index}`,
      `RewriteRule ^/c${index}/(.*)$ http://10.0.0.1/c${index}/$1 [P]`,
    ]).flat(),
];

/** Sections that overlap each other's paths, each with something else to say of who may ask. */
function tangle(names: number, lines: number): string[] {
  return Array.from({ length: lines }, (_, line) => {
    const path = Array.from({ length: (line % names) + 1 }, (_, index) => `t${(line * 7 + index * 5) % names}`).join(
      '/',
    );
    return [
      line % 3 ? `<Location /owa/${path}>` : `<LocationMatch "^/owa/.*${path}">`,
      line % 2 ? '<RequireAny>' : '<RequireAll>',
      `Require ip 10.${line}.0.0/16`,
      `Require not ip 10.${line}.${names}.0/24`,
      line % 2 ? '</RequireAny>' : '</RequireAll>',
      line % 3 ? '</Location>' : '</LocationMatch>',
      `ProxyPass /owa/${path} http://10.9.9.${line}/${path}`,
    ];
  }).flat();
}

/** Where the layouts of the distributions have it. */
const MAIN_FILES = ['apache2.conf', 'conf/httpd.conf', 'httpd.conf'];

const include = (file: string): string => `Include ${file}`;

export const APACHE_DIALECT: Dialect = {
  mainOf: (files) => MAIN_FILES.find((name) => name in files) ?? 'httpd.conf',
  include,
  inserts: INSERTS,
  lines: HOSTILE_LINES,
  crowds: CROWDS,
  tangle,
  nested: [
    ['<IfModule mod_ssl.c>', '</IfModule>'],
    ['<IfDefine nothing>', '</IfDefine>'],
    ['<If "true">', '</If>'],
    ['<RequireAll>', '</RequireAll>'],
  ],
  includes: includingFiles(include, (index) => `ServerAdmin a@chain${index}.example`, [
    {
      'a.conf': 'Include b.conf\n',
      'b.conf': 'Include c.conf\nInclude a.conf\n',
      'c.conf': 'Include a.conf\n',
    },
    { 'self.conf': 'Include self.conf\nIncludeOptional *.conf\n' },
  ]),
};
