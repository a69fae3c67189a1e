import { loadRules } from '@outrigger/rules';
import { expect, it } from 'vitest';
import { withAbsoluteFiles } from './rulesfile.ts';

it('takes relative files of listeners, upstreams and pages from the folder of the rules', () => {
  const { rules } = loadRules(
    `listen:
  - address: '*:443'
    tls:
      certificates: [{ cert: a.crt, key: /keys/a.key, passphraseFile: a.pass }, { cert: b.crt, key: b.key, passphraseFile: b.pass }]
      clientCertificates: { ca: [system, clients.pem], crl: clients.crl }
upstreams:
  one: { servers: [https://10.1.1.14], tls: { ca: ca.pem, crl: [a.crl, /b.crl], certificate: { pkcs12: c.pfx } } }
pages: { no: { file: no.html, fill: { a: { file: ../a.css }, b: text } } }
access: [{ deny: {}, answer: { page: no } }]
routes: [{ to: one }]
`,
    'rules.yaml',
  );
  if (rules === undefined) throw new Error('the rules of the test do not load');
  const { listen, upstreams, pages } = withAbsoluteFiles(rules, '/etc/outrigger/outrigger.yaml');
  expect(listen[0]?.tls?.certificates).toEqual([
    { cert: '/etc/outrigger/a.crt', key: '/keys/a.key', passphraseFile: '/etc/outrigger/a.pass' },
    { cert: '/etc/outrigger/b.crt', key: '/etc/outrigger/b.key', passphraseFile: '/etc/outrigger/b.pass' },
  ]);
  expect(listen[0]?.tls?.clientCertificates).toMatchObject({
    ca: ['system', '/etc/outrigger/clients.pem'],
    crl: ['/etc/outrigger/clients.crl'],
  });
  expect(upstreams.get('one')?.tls).toMatchObject({
    ca: ['/etc/outrigger/ca.pem'],
    crl: ['/etc/outrigger/a.crl', '/b.crl'],
    certificate: { pkcs12: '/etc/outrigger/c.pfx' },
  });
  expect(pages?.get('no')).toMatchObject({
    file: '/etc/outrigger/no.html',
    fill: { a: { file: '/etc/a.css' }, b: 'text' },
  });
});
