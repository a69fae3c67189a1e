// Every quirk of Apache's config files that we know by name, as a tree of files, and our own answer to what is in a tree. Shared by
// the test against recorded answers and the one that asks the installed Apache again.
import { createLedger } from '../../ledger.ts';
import { createRedactor } from '../../redact.ts';
import { pathIn, type Reader } from '../../source.ts';
import { checkTree } from '../check.ts';
import { knownDirective } from '../directives.ts';
import { readTree } from '../expand.ts';
import { findLayout } from '../layout.ts';
import { APACHE_SECRETS } from '../secrets.ts';
import type { ConfigNode } from '../tree.ts';

/** Files by path from the ServerRoot; `httpd.conf` is the main one. */
export type Files = Record<string, string>;

const MODULES = ['mpm_event', 'authz_core', 'env', 'info', 'macro'];
const PREAMBLE = [
  'ServerName localhost',
  'ErrorLog /dev/null',
  'Listen 127.0.0.1:8080',
  ...MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
  '',
].join('\n');
const PROXY = ['proxy', 'ssl']
  .map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so\n`)
  .join('');
/** Given to both with -D. */
export const NAMES = ['DUMP_CONFIG', 'GIVEN'];
/** The environment of both. */
export const ENVIRONMENT = { FROM_OUTSIDE: 'env ironment' };

/** One line for each directive with its file and line, or `refused` with those of the line. */
export type Answer = string[];

/** The files as they are written: the main one with the lines that every test needs. */
export function filesToWrite(files: Files, root: string): Files {
  const main = `ServerRoot ${root}\n${PREAMBLE}${files['httpd.conf'] ?? ''}`;
  return Object.fromEntries(
    Object.entries({ ...files, 'httpd.conf': main }).map(([name, text]) => [pathIn(root, name), text]),
  );
}

/** What we read in the tree under `root`. */
export function ourAnswer(reader: Reader, root: string): Answer {
  const found = findLayout(pathIn(root, 'httpd.conf'), reader);
  if (found.kind === 'missing') return [found.message];
  const values = new Map(Object.entries(ENVIRONMENT));
  const given = { layout: found.layout, reader, ledger: createLedger(), redactor: createRedactor(APACHE_SECRETS) };
  const tree = readTree({ ...given, names: NAMES, values });
  const refusal = tree.refusal ?? checkTree(tree);
  return refusal === undefined
    ? tree.nodes.flatMap(printed)
    : [`refused ${refusal.reported.file}:${refusal.reported.line}`];
}

function printed(node: ConfigNode): Answer {
  const place = `${node.reported.file}:${node.reported.line}`;
  // mod_info prints the name as the manual spells it, and no end of a section that is empty.
  if (node.kind === 'directive') return [`${place} ${knownDirective(node.name)?.name} ${node.rest}`.trim()];
  const open = `${place} ${knownDirective(`<${node.name}`)?.name} ${node.rest}>`;
  return node.children.length === 0 ? [open] : [open, ...node.children.flatMap(printed), `</${node.key}>`];
}

/** A directive that takes any words and stands anywhere. */
export const ENV = 'PassEnv';
const inside = (open: string): string => `${open}\n${ENV} in\n${open.replace(/^<(\w+).*/s, '</$1>')}\n${ENV} out\n`;

const CASES: readonly [name: string, files: Files | string][] = [
  ['continuation', `${ENV} a \\\n   b\\\nc\n${ENV} d`],
  ['a blank behind the backslash', `${ENV} a \\ \n${ENV} b`],
  ['two backslashes at the end', `${ENV} a\\\\\n${ENV} b\n\n${ENV} c`],
  ['a comment that goes on', `# x \\\n${ENV} a\n${ENV} b`],
  ['a sharp in a continued line', `${ENV} a \\\n# b \\\n c`],
  ['the end of the file behind a backslash', `${ENV} a \\`],
  ['the end of the file behind a backslash and a line end', `${ENV} a \\\n`],
  ['CRLF', `${ENV} a\r\n${ENV} b \\\r\n c\r\n`],
  ['a NUL', `${ENV} a\0 b\n${ENV} c\n`],
  ['form feed and vertical tab', `\f${ENV}\va \f\n`],
  ['a byte order mark', `\xef\xbb\xbf${ENV} a`],
  ['quotes', `"${ENV}" "a b" 'c d'e "f\\"g"`],
  ['names in any case', `passENV a\n<LOCATION /x>\npassenv b\n</location>`],
  ['a section without its end', `<Location /x\n${ENV} a\n</Location>`],
  ['a section of nothing', `<Location>\n</Location>`],
  ['words behind the end of a section', `<Location /x> \n${ENV} a\n</Location> y`],
  ['a blank in the closing tag', `<Location /x>\n</Location >`],
  ['a blank behind the bracket', `< Location /x>\n</Location>`],
  ['an unclosed section', `<Location /x>\n${ENV} a`],
  ['two unclosed sections', `<VirtualHost *:80>\n<Location /x>\n${ENV} a`],
  ['a wrong closing tag', `<VirtualHost *:80>\n<Location /x>\n</VirtualHost>`],
  ['a closing tag of nothing', `</Location>`],
  ['Location in Location', `<Location /x>\n<Location /y>\n</Location>\n</Location>`],
  ['VirtualHost in VirtualHost', `<VirtualHost *:80>\n<VirtualHost *:80>\n</VirtualHost>\n</VirtualHost>`],
  ['Listen in VirtualHost', `<VirtualHost *:80>\nListen 81\n</VirtualHost>`],
  ['TLS with servers in Proxy', `${PROXY}<Proxy https://a.test/>\nSSLProxyVerify none\nSSLProxyEngine on\n</Proxy>`],
  ['TLS with servers in Location', `${PROXY}<Location /a>\nSSLProxyVerify none\n</Location>`],
  ['a line of the server in Proxy', `${PROXY}<Proxy https://a.test/>\nProxyTimeout 5\n</Proxy>`],
  ['Require outside sections', `Require all granted`],
  ['a name of no module', `Nosuch a`],
  ['a name of a module that is not loaded', `ProxyPass / http://127.0.0.1/`],
  ['a word of 2.2', `LockFile x`],
  ['a lone Require not', `<Location /a>\nRequire not env x\n</Location>`],
  ['Require not beside others', `<Location /a>\nRequire all granted\nRequire not env x\n</Location>`],
  [
    'Require not in RequireAny',
    `<Location /a>\n<RequireAny>\nRequire all granted\nRequire not env x\n</RequireAny>\n</Location>`,
  ],
  [
    'Require not in RequireAll',
    `<Location /a>\n<RequireAll>\nRequire all granted\nRequire not env x\n</RequireAll>\n</Location>`,
  ],
  ['Require not in RequireNone', `<Location /a>\n<RequireNone>\nRequire not env x\n</RequireNone>\n</Location>`],
  ['RequireNone alone', `<Location /a>\n<RequireNone>\nRequire env x\n</RequireNone>\n</Location>`],
  [
    'RequireNone beside others',
    `<Location /a>\nRequire all granted\n<RequireNone>\nRequire env x\n</RequireNone>\n</Location>`,
  ],
  [
    'RequireNone in RequireAll',
    `<Location /a>\n<RequireAll>\nRequire all granted\n<RequireNone>\nRequire env x\n</RequireNone>\n</RequireAll>\n</Location>`,
  ],
  ['a list that requires nothing', `<Location /a>\n<RequireAll>\n</RequireAll>\n</Location>`],
  ['Require not where all must hold', `<Location /a>\nAuthMerging And\nRequire not env x\n</Location>`],
  ['Require without words', `<Location /a>\nRequire\n</Location>`],
  ['Require all of another word', `<Location /a>\nRequire all nonsense\n</Location>`],
  ['Define', `Define H a\n${ENV} \${H} \${h} \${NOPE} $\${H} \${H`],
  ['Define twice', `Define H a\n${ENV} \${H}\nDefine H b\n${ENV} \${H}`],
  ['Define of Defines', `Define A a\nDefine B \${A}\${A}\nDefine A c\n${ENV} \${B}`],
  ['Define of several words', `Define A "b c"\n${ENV} \${A}`],
  ['Define of a name of a directive', `Define A ${ENV}\n\${A} b`],
  ['Define with three words', `Define A b c`],
  ['Define of an empty value', `Define A ""\n${ENV} x\${A}`],
  ['Define with a colon', `Define a:b c`],
  ['Define in a VirtualHost', `<VirtualHost *:80>\nDefine A b\n</VirtualHost>\n${ENV} \${A}`],
  ['UnDefine', `Define A b\nUnDefine a\n${ENV} \${A}\n${inside('<IfDefine A>')}`],
  ['the environment', `${ENV} \${FROM_OUTSIDE}\nDefine FROM_OUTSIDE x\n${ENV} \${FROM_OUTSIDE}`],
  ['IfModule across a section', `<VirtualHost *:80>\n<IfModule env_module>\n</VirtualHost>\n</IfModule>`],
  ['a section across IfModule', `<IfModule env_module>\n<VirtualHost *:80>\n</IfModule>\n</VirtualHost>`],
  ['an unclosed IfModule that holds', `<IfModule env_module>\n<Location /x>\n${ENV} a`],
  ['an unclosed IfModule that does not', `<IfModule x>\n${ENV} a`],
  [
    'nested sections that do not hold',
    `<IfModule x>\n<IfModule y>\n<Nosuch>\n</Nosuch>\n</IfModule>\nBad \${A\n</IfModule>\n${ENV} a`,
  ],
  ['a wrong closing tag in what does not hold', `<IfModule x>\n<A b>\n</IfModule>\n${ENV} a`],
  [
    'Include in byte order',
    { 'httpd.conf': 'Include d/[0-9]*.conf', 'd/9.conf': `${ENV} nine`, 'd/10.conf': `${ENV} ten`, 'd/B.conf': 'x' },
  ],
  [
    'Include of a folder',
    {
      'httpd.conf': 'Include d',
      'd/b.conf~': `${ENV} b`,
      'd/.a': `${ENV} a`,
      'd/e/f': `${ENV} f`,
      'd/e-g': `${ENV} g`,
    },
  ],
  ['Include of a pattern that finds a folder', { 'httpd.conf': 'Include d/*', 'd/e/.f': `${ENV} f`, 'd/.g': 'bad' }],
  [
    'Include of a pattern in a folder',
    { 'httpd.conf': 'Include */x/*.conf', 'a/x/1.conf': `${ENV} a`, 'b/x/1.conf': `${ENV} b`, x: 'bad' },
  ],
  ['Include of nothing', `Include none.conf`],
  ['Include of an empty pattern', `Include none*.conf`],
  [
    'IncludeOptional of nothing',
    `IncludeOptional none.conf\nIncludeOptional none*.conf\nIncludeOptional n/*/m\n${ENV} a`,
  ],
  ['Include of two files', { 'httpd.conf': 'Include a b', a: '', b: '' }],
  ['Include in a section', { 'httpd.conf': '<Location /x>\nInclude a\n</Location>', a: `${ENV} a` }],
  ['a section across an Include', { 'httpd.conf': '<Location /x>\nInclude a', a: `</Location>` }],
  ['a section that an Include leaves open', { 'httpd.conf': 'Include a\n</Location>', a: `<Location /x>` }],
  ['Include of itself', `Include httpd.conf`],
  ['a mistake in an included file', { 'httpd.conf': 'Include a', a: `${ENV} a\nInclude b`, b: '\n\n</x>' }],
  [
    'Macro',
    `<Macro Ex $host $path>\n# c\n${ENV} $host$path \\\n d\n<Location $path>\n${ENV} x\n</Location>\n</Macro>\nUse Ex a /b\nuse EX "c d" '/e'`,
  ],
  ['Macro parameters that begin alike', `<Macro M $h $host>\n${ENV} $host/$h\n</Macro>\nUse M one two`],
  ['a parameter with an at sign', `<Macro M @a %b>\n${ENV} @a %b\n</Macro>\nUse M 'x "y" \\z' 'p q'`],
  ['Macro in a macro', `<Macro A $a>\n<Macro B $b>\n${ENV} $a $b\n</Macro>\nUse B $a\n</Macro>\nUse A x\nUse B y`],
  ['a section that a macro opens', `<Macro A>\n<Location /x>\n</Macro>\nUse A\n${ENV} a\n</Location>`],
  ['a macro that uses itself', `<Macro A>\nUse A\n</Macro>\nUse A`],
  ['a macro that nobody defined', `Use Nosuch`],
  ['too few arguments', `<Macro A $a $b>\n</Macro>\nUse A x`],
  ['a macro without an end', `<Macro A>\n${ENV} a`],
  ['two parameters of one name', `<Macro A $a $a>\n${ENV} $a\n</Macro>`],
  ['a mistake in a macro', `<Macro A>\n${ENV} a\n\n</x>\n</Macro>\n\nUse A`],
  ['a refused line in a macro', `<Macro A>\n${ENV} a\n\nListen 1\n</Macro>\n<VirtualHost *:80>\nUse A\n</VirtualHost>`],
  ['UndefMacro', `<Macro A>\n</Macro>\nUndefMacro a\nUse A`],
  ['ServerRoot', { 'httpd.conf': 'ServerRoot d\nInclude x', 'd/x': `${ENV} x` }],
  ['LoadModule with one word', `LoadModule env_module`],
  ...[
    '<IfModule env_module>',
    '<IfModule mod_env.c>',
    '<IfModule mod_env>',
    '<IfModule MOD_ENV.C>',
    '<IfModule !mod_env.c>',
    '<IfModule ! nosuch>',
    '<IfModule "!nosuch">',
    '<IfModule "mod_env.c" >',
    '<IfModule core.c>',
    '<IfModule event.c>',
    '<IfModule mod_mpm_event.c>',
    '<IfModule version_module>',
    '<IfModule a b>',
    '<IfModule>',
    '<IfModule !>',
    '<IfModule x',
    '<IfDefine GIVEN>',
    '<IfDefine given>',
    '<IfDefine "GIVEN" >',
    '<IfDefine !GIVEN>',
    '<IfDefine GIVEN NO>',
    '<IfDefine>',
    '<IfVersion >= 2.4>',
    '<IfVersion 2.4>',
    '<IfVersion 2.4.71>',
    '<IfVersion = 2.4.71>',
    '<IfVersion == 2>',
    '<IfVersion > 2.4>',
    '<IfVersion >2.4>',
    '<IfVersion < 3>',
    '<IfVersion !< 3>',
    '<IfVersion ~ ^2.4>',
    '<IfVersion = /^2/>',
    '<IfVersion /^2/>',
    '<IfVersion !~ 71$>',
    '<IfVersion "2.4.71">',
    "<IfVersion >= '2.4' >",
    '<IfVersion >= 2.4 x>',

    '<IfVersion => 2>',
    '<IfVersion >',
    '<IfVersion >= 2.4.7.1>',
    '<IfVersion >= >',
    '<IfVersion >= 2.4.>',
    '<IfVersion >= 02.4>',
    '<IfVersion>',
    '<IfFile httpd.conf>',
    '<IfFile !none>',
    '<IfFile "httpd.conf" >',
    '<IfFile /etc>',
    '<IfFile http*>',
    '<IfFile>',
    '<IfDirective passenv>',
    '<IfDirective ProxyPass>',
    '<IfDirective !ProxyPass>',
    '<IfDirective VirtualHost>',
    '<IfDirective <VirtualHost>',
    '<IfSection VirtualHost>',
    '<IfSection "virtualhost" >',
    '<IfSection Proxy>',
    '<IfSection PassEnv>',
  ].map((open): [string, string] => [open, inside(open)]),
];

/** By name; a text alone is the main file. */
export const QUIRKS: readonly [name: string, files: Files][] = CASES.map(([name, files]) => [
  name,
  typeof files === 'string' ? { 'httpd.conf': files } : files,
]);
