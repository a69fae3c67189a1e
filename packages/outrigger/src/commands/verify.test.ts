import { expect, it } from 'vitest';
import { outrigger, withFolder } from '../testing/terminal.ts';

const RULES = `listen: [{ address: '127.0.0.1:80' }]
upstreams: { web: { servers: ['http://127.0.0.1:8080'] } }
access: [{ allow: {} }]
routes: [{ to: web }]
`;

it('cannot run without rules, without a squid.conf, and with a number that is none', async () => {
  await withFolder({ 'rules.yaml': RULES, 'bad.yaml': 'listen: []\n' }, async (path) => {
    const missing = await outrigger('verify', path('bad.yaml'), '--squid', path('squid.conf'));
    expect(missing).toMatchObject({ code: 1, out: '' });
    expect(missing.err).toContain('bad.yaml: not usable');
    expect(await outrigger('verify', path('rules.yaml'))).toMatchObject({ code: 1, out: '' });
    expect((await outrigger('verify', path('rules.yaml'))).err).toContain('--squid FILE or --apache PATH');
    const apache = await outrigger('verify', path('rules.yaml'), '--apache', path('nowhere'));
    expect(apache).toMatchObject({ code: 1, out: '' });
    expect(apache.err).toContain('[NOTHING_TO_COMPARE]');
    const number = await outrigger('verify', path('rules.yaml'), '--squid', path('squid.conf'), '--probes', '0');
    expect(number).toMatchObject({ code: 1, out: '' });
    expect(number.err).toContain('A whole number from 1 on.');
  });
});

it('says what keeps it from comparing, with a code and no stack', async () => {
  await withFolder({ 'rules.yaml': RULES, 'squid.conf': 'http_port 81 accel\n' }, async (path) => {
    const { code, err } = await outrigger('verify', path('rules.yaml'), '--squid', path('squid.conf'));
    expect(code).toBe(1);
    expect(err).toMatch(/No listener of the rules stands for a port of the file.*\[NOTHING_TO_COMPARE\]/);
    expect(err).not.toMatch(/\n\s+at /);
  });
});
