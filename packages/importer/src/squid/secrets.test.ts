// No secret of a squid.conf leaves the importer, but in the rules themselves where they need it: not in a report of any form,
// not in a comment of the rules, wherever in the file it stands.
import { compileRules, dumpRules } from '@outrigger/rules';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importSquid, memoryReader, reportHtml, reportJson, reportText, type Translation } from '../index.ts';
import { createRedactor } from '../redact.ts';
import { SQUID_SECRETS } from './secrets.ts';

const S = 'Tr0ub4dor&3';

/** Directives with a secret, as a person may write them. `${S}` alone is secret. */
const SECRET_LINES: readonly string[] = [
  `cache_peer 10.0.0.9 parent 80 0 originserver login=admin:${S} name=x`,
  `cache_peer 10.0.0.9 parent 80 0 originserver login=*:${S} name=x`,
  `cache_peer 10.0.0.9 parent 80 0 originserver name=x login=${S}`,
  `cachemgr_passwd ${S} all`,
  `cachemgr_passwrd ${S} all`,
  `auth_param basic program /usr/lib/squid/basic_ldap_auth -D cn=proxy,dc=x -w ${S} -f uid=%s ldap.test`,
  `auth_param basic program /usr/lib/squid/basic_ldap_auth -D cn=proxy,dc=x -w${S} ldap.test`,
  `auth_param basic program /usr/lib/squid/basic_radius_auth -h radius.test -w "${S}"`,
  `auth_param basic program /usr/lib/squid/basic_db_auth --dsn "DSN:mysql:database=squid" --user s --password "${S}"`,
  `auth_param basic program /usr/lib/squid/basic_db_auth --password=${S} --plaintext`,
  `auth_param basic program /bin/sh -c 'PASSWORD="${S}" exec helper'`,
  `external_acl_type g %LOGIN /usr/lib/squid/ext_kerberos_ldap_group_acl -u admin -p ${S} -g Internet`,
  `external_acl_type g %SRC /bin/helper --api-key=${S} bindPassword=${S}`,
  `external_acl_type g %SRC /bin/helper --secret ${S}`,
  `url_rewrite_program /usr/bin/rewriter http://svc:${S}@10.0.0.5/map`,
  `url_rewrite_program /usr/bin/rewriter redis://:${S}@10.0.0.5/0`,
  `url_rewrite_program /usr/bin/rewriter https://${S}@git.test/`,
  `deny_info https://help:${S}@contoso.com/denied all`,
  `icap_service svc reqmod_precache icap://user:${S}@127.0.0.1:1344/req`,
  `sslpassword_program /bin/echo ${S}`,
  `sslpassword_program /bin/echo -n ${S} end`,
  `https_port 443 accel cert=/c.pem key=/k.pem passphrase=${S}`,
  `tls_outgoing_options cert=pkcs11:token=x;pin-value=${S}`,
  `request_header_add Authorization "Basic ${S}" all`,
  `request_header_add X-Api-Key ${S} all`,
  `request_header_replace Authorization Bearer ${S}`,
  `header_replace Cookie session=${S}; path=/`,
  `reply_header_add Set-Cookie "sid=${S}; HttpOnly" all`,
  `acl key req_header Authorization ^Bearer\\ ${S}$`,
  `acl key req_header X-Auth-Token -i ${S}`,
  `snmp_community ${S}`,
  `acl snmp snmp_community ${S}`,
  `wccp2_service standard 0 password=${S}`,
  `# cachemgr_passwd ${S} all`,
  `#cache_peer 10.0.0.9 parent 80 0 login=admin:${S}`,
  `# the password: ${S}`,
  `cache_mem 8 MB # password=${S}`,
  `if false\ncachemgr_passwd ${S} all\nendif`,
  `cachemgr_passwd \\\n   ${S} \\\n   all`,
  `auth_param basic program /bin/ldap \\\n# kept\n   -w \\\n   ${S} \\\n   ldap.test`,
  `#cachemgr_passwd \\\n#  ${S} all`,
  `include "/etc/squid/${S}@x.conf" password=${S}`,
  // Files that are no squid.conf, included by mistake.
  `admin:$apr1$x1x2x3x4$${S}`,
  `admin:$2y$05$${S}`,
  `admin:{SHA}${S}`,
  `admin:${S}`,
  `admin:realm:${S}`,
];

/** Lines that look like it and hold none. */
const PLAIN_LINES: readonly string[] = [
  'cache_peer 10.0.0.9 parent 80 0 originserver login=PASS name=x',
  'cache_peer 10.0.0.9 parent 80 0 originserver login=PASSTHRU name=x',
  'cache_peer 10.0.0.9 parent 80 0 login=NEGOTIATE:HTTP/proxy.test',
  'cachemgr_passwd none all',
  'cachemgr_passwd disable shutdown',
  'auth_param basic program /usr/lib/squid/basic_ncsa_auth /etc/squid/passwd',
  'auth_param basic program /usr/lib/squid/basic_ldap_auth -W /etc/squid/secret -p 636 ldap.test',
  'auth_param basic realm Squid: members only',
  'request_header_access Authorization allow all',
  'url_rewrite_bypass on',
  'icap_service svc reqmod_precache bypass=on icap://127.0.0.1:1344/req',
  'acl m url_regex -i ^https?://mail\\.contoso\\.com:443/owa',
  'acl m req_header User-Agent Outlook',
  'http_port 10.0.0.1:8080',
  '# The public address: 203.0.113.10',
];

const FRAME = [
  'http_port 80 accel vhost',
  'cache_peer 10.0.0.1 parent 80 0 originserver name=web',
  'acl site dstdomain contoso.com',
  'http_access allow site',
];

describe('a secret of the file', () => {
  it.each(SECRET_LINES)('is masked: %s', (line) => {
    expect(outputs(`${FRAME.join('\n')}\n${line}\n`).join('\n')).not.toContain(S);
    expect(outputs(`${line}\n${FRAME.join('\n')}`).join('\n')).not.toContain(S);
  });

  it.each(PLAIN_LINES)('is not seen where there is none: %s', (line) => {
    expect(importText(`${line}\n`).files[0]?.lines).toEqual([line]);
  });

  it('leaves the rest of its line to be read', () => {
    const { ledger, files } = importText(
      'cache_peer 10.0.0.9 parent 80 0 originserver login=admin:x name=a\ncachemgr_passwd \\\n  x \\\n  shutdown\n',
    );
    expect(ledger.map(({ text }) => text)).toEqual([
      'cache_peer 10.0.0.9 parent 80 0 originserver login=admin:*** name=a',
      'cachemgr_passwd *** shutdown',
    ]);
    expect(files[0]?.lines.slice(1)).toEqual(['cachemgr_passwd \\', '  *** \\', '  shutdown']);
  });

  it('stays in the rules where they need it, for they must mean the same', () => {
    const conf = `acl key req_header X-Auth-Token ^${S}$\n${FRAME.slice(0, 3).join('\n')}\nhttp_access allow key site\n`;
    const translation = importText(conf);
    expect(dumpRules(translation.rules ?? never())).toContain(S);
    expect(dumpRules(translation.shownRules ?? never())).not.toContain(S);
    expect(() => compileRules(translation.rules ?? never())).not.toThrow();
  });
});

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);

it(`never prints a secret, whatever it is made of and wherever it stands (seed ${SEED})`, () => {
  // Printable, no blank, no quote and no backslash, which end a value or change it; not shorter than what is swept.
  const secret = fc.string({
    unit: fc.constantFrom(...'abcXYZ0189!$%&*+,-./:;<=>?@^_|~ü§'),
    minLength: 6,
    maxLength: 30,
  });
  const place = fc.constantFrom(...SECRET_LINES.filter((line) => !line.startsWith('include')));
  fc.assert(
    fc.property(secret, fc.array(place, { minLength: 1, maxLength: 4 }), (value, places) => {
      // A word of the report or of the rest of the file is no secret, whoever took it for one.
      fc.pre(
        /[0-9!$%&*+<>?@^|~]/.test(value.slice(1)) && !/^[*:@,;=]|[@,;:]$/.test(value) && !/^-?-?[\w-]*$/.test(value),
      );
      fc.pre(!PLAIN_TEXT.includes(value));
      const bytes = Buffer.from(value, 'utf8').toString('latin1');
      const conf = [...FRAME, ...places.map((line) => line.replaceAll(S, bytes))].join('\n');
      for (const output of outputs(conf)) {
        expect(output.includes(value), `${value} in ${places.join(' | ')}`).toBe(false);
        expect(output.includes(bytes), `${value} as latin1 in ${places.join(' | ')}`).toBe(false);
      }
    }),
    { seed: SEED, numRuns: 300 },
  );
});

const PLAIN_TEXT = outputs(FRAME.join('\n')).join('\n');

it('finds in long lines no reason to take long', () => {
  const started = performance.now();
  const redactor = createRedactor(SQUID_SECRETS);
  for (const piece of ['a.', 'pass', '-w ', ' -p', 'x:', '://', '"', '=', 'host7.example '])
    redactor.spans(`auth_param ${piece.repeat(8_191 / piece.length)}`);
  expect(performance.now() - started).toBeLessThan(2_000);
});

/** Every form in which a translation can be printed, and the comments of its rules. */
function outputs(conf: string): string[] {
  const translation = importText(conf);
  const { rules, shownRules } = translation;
  const comments = rules === undefined ? '' : (dumpRules(rules).match(/#.*/g)?.join('\n') ?? '');
  return [
    reportText(translation),
    reportJson(translation),
    comments,
    shownRules === undefined ? '' : dumpRules(shownRules),
    JSON.stringify(translation.files),
    textOfPage(reportHtml(translation)),
  ];
}

/** A page as it is read: what was escaped in it as it was. */
function textOfPage(page: string): string {
  const signs: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' };
  return page.replace(/&(?:lt|gt|quot|#39|amp);/g, (written) => signs[written] ?? written);
}

function importText(text: string): Translation {
  return importSquid({ files: ['squid.conf'], reader: memoryReader({ 'squid.conf': text }), tighten: true });
}

function never(): never {
  throw new Error('the import wrote no rules');
}
