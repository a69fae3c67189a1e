// What variables of Apache come to as conditions. What Apache itself does with such lines is in fixtures/apache/rewriting-beside.
import { describe, expect, it } from 'vitest';
import type { MainServer, Servers } from './servers.ts';
import { type Said, variableSaid } from './variablesaid.ts';

const main: MainServer = { kind: 'main', nodes: [], aliases: [] };
const servers: Servers = { main, virtualHosts: [], listens: [] };

function said(name: string, written: string, under?: string): Said {
  const isNegated = written.startsWith('!');
  const test = { regex: written.replace(/^!/, ''), ignoreCase: false, isNegated };
  return variableSaid(name, test, { servers, server: main, isWide: true, ...(under !== undefined && { under }) });
}

describe('variables as conditions', () => {
  it.each([
    ['REMOTE_ADDR', '^10\\.', { clients: ['10.0.0.0/8'] }],
    ['REMOTE_ADDR', '!^192.168.1\\.', { not: { clients: ['192.168.1.0/24'] } }],
    ['REMOTE_ADDR', '^192\\.0\\.2\\.7$', { clients: ['192.0.2.7/32'] }],
    ['REMOTE_ADDR', '^(10\\.|198\\.51\\.100\\.)', { clients: ['10.0.0.0/8', '198.51.100.0/24'] }],
    ['REMOTE_ADDR', '^10\\.|^127\\.0\\.0\\.1$', { clients: ['10.0.0.0/8', '127.0.0.1/32'] }],
    ['SERVER_PORT', '^8443$', { ports: [8443] }],
    ['SERVER_PORT', '!=443', { not: { ports: [443] } }],
    ['REQUEST_METHOD', '^(TRACE|TRACK)$', { methods: ['TRACE', 'TRACK'] }],
    ['REQUEST_METHOD', '!^GET$', { methods: ['!GET'] }],
    ['SERVER_NAME', '^www\\.contoso\\.com$', { hosts: ['www.contoso.com'] }],
    ['HTTP:Upgrade', 'websocket', { headers: [{ name: 'Upgrade', regex: 'websocket' }] }],
  ])('%s %s', (name, written, when) => {
    const regex = written.replace(/^(!?)=(.*)$/, '$1^$2$');
    expect(said(name, regex)).toEqual({ kind: 'when', when, isExact: true });
  });

  it.each([
    // 10 is the beginning of 100 to 109 as well, 1.2.3.4 that of 1.2.3.40, and a dot is any letter.
    ['REMOTE_ADDR', '^10'],
    ['REMOTE_ADDR', '^10.'],
    ['REMOTE_ADDR', '^1\\.2\\.3\\.4'],
    ['REMOTE_ADDR', '10\\.'],
    ['REMOTE_ADDR', '^10\\.|192\\.168\\.'],
    ['REMOTE_ADDR', '^300\\.'],
    ['REMOTE_ADDR', '^2001:db8:'],
    ['SERVER_NAME', '^www'],
    ['HTTP_HOST', '(?!x)'],
    ['REQUEST_FILENAME', 'x'],
    ['toString', 'x'],
  ])('cannot say %s %s', (name, written) => {
    expect(said(name, written)).toEqual({ kind: 'unsayable' });
  });

  it('knows what is the same for every request over TLS, and under a prefix', () => {
    expect(said('HTTPS', '^off$').kind).toBe('never');
    expect(said('SERVER_PORT', '!^[0-9]+$').kind).toBe('never');
    expect(said('REQUEST_URI', '^/owa', '/owa').kind).toBe('always');
    expect(said('REQUEST_URI', '!^/owa', '/owa').kind).toBe('never');
    expect(said('REQUEST_URI', '^/ews', '/owa').kind).toBe('never');
    expect(said('REQUEST_URI', '^/owa/x', '/owa').kind).toBe('when');
  });

  it('holds at least as often where no condition is exact', () => {
    const methods = said('REQUEST_METHOD', '^TRAC');
    expect(methods).toMatchObject({ kind: 'when', isExact: false });
    expect(methods.kind === 'when' && methods.when.methods).not.toContain('!TRACE');
    expect(said('SERVER_PORT', '80')).toEqual({ kind: 'when', when: { not: { ports: [443] } }, isExact: false });
    expect(said('SERVER_PORT', '4').kind).toBe('unsayable');
  });
});
