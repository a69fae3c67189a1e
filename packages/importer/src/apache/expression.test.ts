// Expressions of Apache as conditions. What Apache itself does with such sections is in fixtures/apache/if-sections.
import { describe, expect, it } from 'vitest';
import { expressionSaid } from './expression.ts';
import type { MainServer, Servers } from './servers.ts';

const main: MainServer = { kind: 'main', nodes: [], aliases: [] };
const servers: Servers = { main, virtualHosts: [], listens: [] };
const said = (text: string) => expressionSaid(text, { servers, server: main, isWide: false });

const INSIDE = { clients: ['10.0.0.0/8'] };
const PUT = { methods: ['PUT'] };

describe('expressions', () => {
  it.each([
    [`-R '10.0.0.0/8'`, INSIDE],
    [`%{REMOTE_ADDR} -ipmatch "10.0.0.0/8"`, INSIDE],
    [`! -R '10.0.0.0/8'`, { not: INSIDE }],
    [`!(! -R '10.0.0.0/8')`, INSIDE],
    [`-R '10.0.0.0/8' && %{REQUEST_METHOD} == 'PUT'`, { all: [INSIDE, PUT] }],
    [`-R '10.0.0.0/8' || %{REQUEST_METHOD} = 'PUT' && true`, { any: [INSIDE, PUT] }],
    [`%{REQUEST_METHOD} in { 'PUT', 'DELETE' }`, { methods: ['PUT', 'DELETE'] }],
    [`%{HTTP_USER_AGENT} =~ /bot\\/1/i`, { headers: [{ name: 'User-Agent', regex: 'bot/1', ignoreCase: true }] }],
    [`http('X-A') !~ m#^/x#`, { not: { headers: [{ name: 'X-A', regex: '^/x' }] } }],
    [`-n req("Authorization")`, { headers: [{ name: 'Authorization', regex: '.' }] }],
    [`-z %{HTTP:Cookie}`, { not: { headers: [{ name: 'Cookie', regex: '.' }] } }],
    [`%{SERVER_PORT} -eq 8443`, { ports: [8443] }],
  ])('%s', (text, when) => {
    expect(said(text)).toEqual({ kind: 'when', when, isExact: true });
  });

  it('knows what is the same for every request over TLS', () => {
    expect(said(`%{HTTPS} == 'on'`).kind).toBe('always');
    expect(said(`%{REQUEST_SCHEME} != 'https' || false`).kind).toBe('never');
    expect(said(`%{HTTPS} == 'off' && %{TIME_HOUR} -gt 3`).kind).toBe('never');
  });

  it('leaves out what it cannot say where that holds at least as often, and never its contrary', () => {
    expect(said(`%{TIME_HOUR} -gt 3 && %{REQUEST_METHOD} == 'PUT'`)).toEqual({
      kind: 'when',
      when: PUT,
      isExact: false,
    });
    for (const text of [
      `!(%{TIME_HOUR} -gt 3 && %{REQUEST_METHOD} == 'PUT')`,
      `%{TIME_HOUR} -gt 3 || %{REQUEST_METHOD} == 'PUT'`,
      `%{HTTP:X} -eq 1`,
      `-e '/etc/flag'`,
      `'a' == 'a'`,
      `%{REQUEST_METHOD} == "%{HTTP:X}"`,
      `%{REQUEST_METHOD} =~ /put/s`,
      `%{REMOTE_ADDR} -ipmatch 'name.test'`,
      `file('/x') == 'y'`,
      `-R '10.0.0.0/8' )`,
      `-R`,
      '',
      `${'('.repeat(5000)}true${')'.repeat(5000)}`,
    ]) {
      expect(said(text), text).toEqual({ kind: 'unsayable' });
    }
  });
});
