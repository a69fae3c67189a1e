import type { RuleSet } from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { parsePlace, reportText } from '../index.ts';
import { importHost, OWA, yaml } from './testing/importhost.ts';

describe('Apache behind Outrigger', () => {
  it('keeps Apache on loopback with TLS, and asks it for each site under its own name', () => {
    const { rules } = importHost(OWA);
    // No serverName: the Host of the request is the SNI where the server is an address.
    expect(rules?.upstreams.get('apache')).toMatchObject({
      servers: ['https://127.0.0.1:8443'],
      tls: { verify: false },
    });
    expect(rules?.upstreams.get('apache')?.tls?.serverName).toBeUndefined();
    expect(rules?.routes.at(-1)).toMatchObject({ to: 'apache' });
    expect(rules?.listen.map(({ address }) => address)).toEqual(['*:443']);
  });

  it('takes another loopback port where Apache listens on the first', () => {
    expect(yaml(importHost(OWA, 'Listen 8443'))).toContain('https://127.0.0.1:9443');
  });

  it('goes where it is told to, and further addresses go to ports beyond', () => {
    const place = { host: '127.0.0.2', port: 9000, isPlain: false };
    const second = 'Listen 444\n<VirtualHost *:444>\nSSLEngine on\nSSLCertificateFile /etc/ssl/b.pem\n</VirtualHost>';
    const { upstreams } = importHost(OWA, second, { place }).rules as RuleSet;
    expect(upstreams.get('apache')?.servers).toEqual(['https://127.0.0.2:9000']);
    expect(upstreams.get('apache-2')?.servers).toEqual(['https://127.0.0.2:10000']);
  });

  it('speaks plain HTTP where it is told to, and the report names what asks for TLS', () => {
    const lines = 'RewriteEngine On\nRewriteCond %{HTTPS} off\nRewriteRule ^/a https://mail.contoso.com/a [R]';
    const translation = importHost(`${OWA}\n${lines}`, '', { place: { host: '127.0.0.1', isPlain: true } });
    expect(translation.rules?.upstreams.get('apache')).toMatchObject({ servers: ['http://127.0.0.1:8080'] });
    expect(translation.rules?.upstreams.get('apache')?.tls).toBeUndefined();
    const asked = translation.diagnostics.filter(({ code }) => code === 'APACHE_PLAIN');
    expect(asked.map(({ at }) => at.directive)).toEqual(['RewriteCond %{HTTPS} off']);
    expect(reportText(translation)).toContain('Listen 127.0.0.1:8080 http, and SSLEngine off');
  });

  it('cannot go where it listens already', () => {
    const translation = importHost(OWA, '', { place: { host: '127.0.0.1', port: 80, isPlain: true } });
    expect(translation.diagnostics).toContainEqual(
      expect.objectContaining({ code: 'APACHE_PLACE_TAKEN', at: expect.objectContaining({ directive: 'Listen 80' }) }),
    );
  });

  it.each([
    ['127.0.0.1:8443', { host: '127.0.0.1', port: 8443 }],
    ['[::1]:8443', { host: '[::1]', port: 8443 }],
    ['localhost:8443', { host: '127.0.0.1', port: 8443 }],
    ['8443', { host: '127.0.0.1', port: 8443 }],
    ['127.0.0.9', { host: '127.0.0.9' }],
    ['10.1.1.1:8443', undefined],
    ['*:8443', undefined],
    ['127.0.0.1:70000', undefined],
  ])('reads the place %s', (text, place) => {
    expect(parsePlace(text)).toEqual(place);
  });

  it('prints the mod_remoteip lines and warns of each rule on addresses', () => {
    const rules =
      '<Location /a>\nRequire local\n</Location>\n<Location /b>\nRequire ip 192.0.2.1\n</Location>\n<Location /c>\nOrder deny,allow\nDeny from all\nAllow from 127.0.0.1\n</Location>';
    const translation = importHost(`${OWA}\n${rules}`);
    const warned = translation.diagnostics.filter(({ code }) => code === 'APACHE_SEES_SIDECAR');
    expect(warned.map(({ severity, at }) => [at.directive, severity])).toEqual([
      ['Require local', 'error'],
      ['Require ip 192.0.2.1', 'warning'],
      ['Allow from 127.0.0.1', 'error'],
    ]);
    expect(reportText(translation)).toContain('RemoteIPHeader X-Forwarded-For; RemoteIPInternalProxy 127.0.0.1');
  });

  it('warns of none where Apache knows whom to believe', () => {
    const known = 'RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1';
    const translation = importHost(`${OWA}\n<Location /a>\nRequire local\n</Location>`, known);
    expect(translation.diagnostics.filter(({ code }) => code === 'APACHE_SEES_SIDECAR')).toEqual([]);
  });

  it('refuses to carry ProxyRequests On, and says why', () => {
    const translation = importHost(OWA, 'ProxyRequests On');
    expect(translation.diagnostics).toContainEqual(
      expect.objectContaining({
        code: 'APACHE_FORWARD_PROXY',
        severity: 'error',
        message: expect.stringContaining('forward proxy'),
      }),
    );
    expect(translation.outcome).toBe('partial');
  });
});
