import { expect, it } from 'vitest';
import type { OldServer } from './oracle.ts';
import { inItsTurn, toldInItsTurn, turnOf } from './turns.ts';

const at = { file: 'httpd.conf', line: 1, directive: 'BalancerMember' };
const member = (name: string, path: string): OldServer => ({
  name,
  url: name,
  at,
  balancers: [{ balancer: 'balancer://farm', path }],
});
const ONE = member('http://10.1.1.15:80', '');
const TWO = member('http://10.1.1.16:8080', '/base');
const ALONE: OldServer = { name: 'http://10.1.1.20:80', url: 'http://10.1.1.20:80', at };
const known = {
  servers: [ONE, TWO, ALONE],
  standIns: new Map([['exchange http://10.1.1.16:8080', 'exchange']]),
};
const head = (server: string, target: string, host: string) => ({
  server,
  method: 'GET',
  target,
  version: '1.1',
  fields: [['Host', host] as const],
});

it('takes members of one balancer for each other, by their own names and by those of stand-ins', () => {
  expect(turnOf(ONE.name, TWO.name, known)).toMatchObject({ own: { server: ONE }, wanted: { server: TWO } });
  expect(turnOf('exchange http://10.1.1.16:8080', ONE.name, known)).toMatchObject({ own: { server: TWO } });
  expect(turnOf(ONE.name, ONE.name, known)).toBeUndefined();
  expect(turnOf(ONE.name, ALONE.name, known)).toBeUndefined();
});

it('tells what one member got as the other would have got it, under its path and its name, and nothing else', () => {
  const turn = turnOf(ONE.name, TWO.name, known);
  expect(inItsTurn(head(ONE.name, '/x', '10.1.1.15'), turn)).toMatchObject({
    target: '/base/x',
    fields: [['Host', '10.1.1.16:8080']],
  });
  expect(inItsTurn(head(ONE.name, '/x', 'mail.contoso.com'), turn).fields).toEqual([['Host', 'mail.contoso.com']]);
  expect(inItsTurn(head(ONE.name, '/x', '10.1.1.15'), undefined).target).toBe('/x');
});

it('tells what one member says of itself as the other would', () => {
  const fields = [
    ['Location', 'http://10.1.1.15/owa/'],
    ['Set-Cookie', 'a=1; domain=10.1.1.15; Secure'],
    ['X-A', '10.1.1.15'],
  ] as const;
  expect(toldInItsTurn(fields, turnOf(ONE.name, TWO.name, known))).toEqual([
    ['Location', 'http://10.1.1.16:8080/owa/'],
    ['Set-Cookie', 'a=1; domain=10.1.1.16; Secure'],
    ['X-A', '10.1.1.15'],
  ]);
});
