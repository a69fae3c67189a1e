import { importSquid, memoryReader } from '@outrigger/importer';
import type { RuleSet } from '@outrigger/rules';
import { describe, expect, it } from 'vitest';
import { planned } from './planned.ts';
import { stepsText } from './steps.ts';
import { serviceName } from './surroundings/serviceunits.ts';

const SQUID = [
  'https_port 203.0.113.10:443 accel vhost tls-cert=/a.pem tls-key=/a.key',
  'https_port 203.0.113.11:443 accel vhost tls-cert=/a.pem tls-key=/a.key',
  'cache_peer 10.1.1.14 parent 443 0 no-query originserver ssl login=PASS front-end-https=on name=exchange',
  'acl mail dstdomain mail.contoso.com',
  'cache_peer_access exchange allow mail',
  'never_direct allow all',
  'http_access allow mail',
  'http_access deny all',
  'shutdown_lifetime 12 seconds',
  '',
].join('\n');

/** The steps for a Squid whose main file is at `path` of a machine with these files beside it. */
function squidSteps(path: string, machine: Record<string, string> = {}): string {
  const reader = memoryReader({ [path]: SQUID, ...machine });
  const { rules } = importSquid({ files: [path], reader });
  const { steps } = planned({
    ...{ file: '/etc/outrigger/outrigger.yaml', rules: rules as RuleSet, reader, squid: [path] },
    ...{ sites: ['mail.contoso.com'], names: [], values: new Map(), commands: {}, user: 'outrigger' },
  });
  return stepsText(steps);
}

describe('the steps of a cut-over from Squid', () => {
  it('name each address, how long Squid goes on, and the way back', () => {
    const text = squidSteps('/etc/squid/squid.conf');
    expect(text).toContain('Take Squid off 203.0.113.10:443, 203.0.113.11:443.');
    expect(text).toContain('goes on with its clients for 12 s (shutdown_lifetime)');
    expect(text).toContain('systemctl disable --now squid\n#      back: systemctl enable --now squid\n');
    expect(text).toContain('--connect-to ::203.0.113.11:443 https://mail.contoso.com:443/');
  });

  it.each([
    ['/etc/squid3/squid.conf', {}, 'squid3'],
    ['/etc/squid/squid.conf', { '/etc/init.d/squid3': '#!/bin/sh\n' }, 'squid3'],
    ['/etc/squid3/squid.conf', { '/lib/systemd/system/squid.service': '[Service]\n' }, 'squid'],
  ])('of %s with %j end %s', (path, machine, service) => {
    expect(squidSteps(path, machine)).toContain(`systemctl disable --now ${service}\n`);
  });
});

describe('the service of Apache', () => {
  it.each([
    [{}, 'apache2'],
    [{ '/usr/lib/systemd/system/httpd.service': '' }, 'httpd'],
    [{ '/usr/lib/systemd/system/httpd.service': '', '/etc/systemd/system/apache2.service': '' }, 'apache2'],
  ])('on a machine with %j is %s', (machine, expected) => {
    expect(serviceName(memoryReader(machine), ['apache2', 'httpd'])).toBe(expected);
  });

  it('is an instance of a template', () => {
    const reader = memoryReader({ '/lib/systemd/system/apache2@.service': '' });
    expect(serviceName(reader, ['apache2@intern'])).toBe('apache2@intern');
  });
});
