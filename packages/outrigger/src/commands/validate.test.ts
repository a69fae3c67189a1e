import { describe, expect, it } from 'vitest';
import { outrigger, withFolder } from '../testing/terminal.ts';

const GOOD = `listen: [{ address: 127.0.0.1:8443 }]
upstreams: { apache: { servers: [http://127.0.0.1:8080] } }
access: [{ allow: {} }]
routes: [{ to: apache }]
`;

describe('validate', () => {
  it('ends with 0 and counts what it read', async () => {
    await withFolder({ 'rules.yaml': GOOD }, async (path) => {
      const { code, err, out } = await outrigger('validate', path('rules.yaml'));
      expect({ code, out }).toEqual({ code: 0, out: '' });
      expect(err).toMatch(/rules\.yaml: 1 listener, 1 upstream, 1 access line, 1 route\n$/);
    });
  });

  it('names a page that is not there, with --files', async () => {
    const showing = GOOD.replace('{ allow: {} }', '{ deny: {}, answer: { page: sorry } }');
    const rules = `${showing}pages: { sorry: { file: sorry.html } }\n`;
    await withFolder({ 'rules.yaml': rules }, async (path) => {
      const { code, err } = await outrigger('validate', '--files', path('rules.yaml'));
      expect(code).toBe(1);
      expect(err).toMatch(/error: .*\/sorry\.html cannot be read \(ENOENT\)\. .* \[FILE_UNREADABLE\]/);
    });
    await withFolder({ 'rules.yaml': rules, 'sorry.html': '<p>Sorry</p>' }, async (path) => {
      expect((await outrigger('validate', '--files', path('rules.yaml'))).code).toBe(0);
    });
  });

  it('prints every problem with its place and ends with 1', async () => {
    await withFolder({ 'rules.yaml': GOOD.replace('allow', 'alow').replace('routes', 'route') }, async (path) => {
      const { code, err } = await outrigger('validate', path('rules.yaml'));
      expect(code).toBe(1);
      expect(err).toMatch(/rules\.yaml:3:\d+: error: .*allow or deny/);
      expect(err).toMatch(
        /rules\.yaml:4:1: error: route is not a key here\. Did you mean routes\? \[RULES_UNKNOWN_KEY\]/,
      );
    });
  });

  it.each([
    [
      'bridge',
      '{ servers: [https://10.1.1.14], rpcOverHttp: true }',
      /-SSLOffloading \$false[\s\S]*Enable-ExchangeCertificate/,
    ],
    ['offload', '{ servers: [http://10.1.1.14], rpcOverHttp: true }', /-ExtendedProtectionTokenChecking None/],
  ])('prints what to set on Exchange behind a %s, to be copied', async (mode, upstream, expected) => {
    const rules = GOOD.replace('{ servers: [http://127.0.0.1:8080] }', upstream);
    await withFolder({ 'rules.yaml': rules }, async (path) => {
      expect((await outrigger('validate', path('rules.yaml'))).out).toBe('');
      const { code, out } = await outrigger('validate', '--exchange', path('rules.yaml'));
      expect(code).toBe(0);
      expect(out).toMatch(new RegExp(`^# apache: ${mode}\n`));
      expect(out).toMatch(expected);
    });
  });

  it('prints what to set on Exchange where connections pass through to it, and no certificate', async () => {
    const listen =
      '{ address: 127.0.0.1:8443, tls: { certificates: [{ cert: a, key: b }] }, passThrough: [{ hosts: mail.a.test, to: mail }] }';
    const rules = GOOD.replace('{ address: 127.0.0.1:8443 }', listen).replace(
      'upstreams: {',
      'upstreams: { mail: { servers: [https://10.1.1.14], rpcOverHttp: true },',
    );
    await withFolder({ 'rules.yaml': rules }, async (path) => {
      const { out } = await outrigger('validate', '--exchange', '--json', path('rules.yaml'));
      expect(JSON.parse(out).exchange).toMatchObject([{ upstream: 'mail', mode: 'pass-through' }]);
      expect(out).not.toContain('Enable-ExchangeCertificate');
    });
  });

  it('prints findings as JSON', async () => {
    await withFolder({ 'rules.yaml': 'listen: []' }, async (path) => {
      const { code, out } = await outrigger('validate', path('rules.yaml'), '--json');
      expect(code).toBe(1);
      expect(JSON.parse(out)).toMatchObject({
        usable: false,
        diagnostics: expect.arrayContaining([expect.objectContaining({ code: 'RULES_SHAPE' })]),
      });
    });
  });

  it('says which file is not there', async () => {
    const { code, err } = await outrigger('validate', '/nonexistent/rules.yaml');
    expect(code).toBe(1);
    expect(err).toBe('outrigger: /nonexistent/rules.yaml: cannot be read: there is no such file or folder\n');
  });
});

describe('the command line', () => {
  it.each(['import', 'validate', 'explain', 'run'])('%s --help ends with 0 and shows an example', async (command) => {
    const { code, out } = await outrigger(command, '--help');
    expect(code).toBe(0);
    expect(out).toMatch(/Examples?:\n {2}outrigger /);
  });

  it('names the command that was probably meant', async () => {
    const { code, err } = await outrigger('exlain');
    expect(code).toBe(1);
    expect(err).toMatch(/Did you mean explain/);
  });

  it('reads the files of the rules when asked, and says what run would say of them', async () => {
    const rules = GOOD.replace('8443', '8443, tls: { certificates: [{ cert: a.pem, key: a.key }] }');
    await withFolder({ 'rules.yaml': `${rules}accessLog: [{ file: nowhere/access.log }]\n` }, async (path) => {
      expect((await outrigger('validate', path('rules.yaml'))).code).toBe(0);
      const { code, err } = await outrigger('validate', '--files', path('rules.yaml'));
      expect(code).toBe(1);
      expect(err).toMatch(/error: .*a\.(?:pem|key) cannot be read \(ENOENT\)\. .* \[FILE_UNREADABLE\]/);
      expect(err).toMatch(/warning: .*nowhere\/access\.log cannot be written.* \[ACCESS_LOG\]/);
      const plain = await outrigger('validate', '--files', path('rules.yaml'), '--json');
      expect(JSON.parse(plain.out)).toMatchObject({
        usable: false,
        files: [{ code: 'FILE_UNREADABLE' }, { code: 'ACCESS_LOG' }],
      });
      expect((await outrigger('validate', '--user', 'no-such-user', path('rules.yaml'))).err).toContain('useradd');
    });
  });
});
