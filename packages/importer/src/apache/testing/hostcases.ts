// Configurations that decide which virtual host takes a request, with the requests to ask. Shared by the test against recorded
// verdicts and the one that asks the installed Apache again. `@P@` and `@Q@` stand for two ports that are listened on.
import { createLedger } from '../../ledger.ts';
import { createRedactor } from '../../redact.ts';
import { memoryReader } from '../../source.ts';
import { readTree } from '../expand.ts';
import { APACHE_SECRETS } from '../secrets.ts';
import { readServers, type Server } from '../servers.ts';
import { chooseServer } from '../vhosts.ts';

export type HostRequest = { address: string; port: 'P' | 'Q'; host: string | undefined; path?: string };
export type HostCase = { name: string; hosts: string[]; requests: HostRequest[] };

/** Ports as the recorded cases have them. */
export const PORTS = { P: 8081, Q: 8082 } as const;

/** A virtual host called by its label, which its answer shows: `label addresses; directives; …`. */
export function configOf({ hosts }: Pick<HostCase, 'hosts'>, ports: { P: number; Q: number }): string {
  const sections = hosts.map((host) => {
    const [head = '', ...directives] = host.split('; ');
    const [label = '', ...addresses] = head.split(' ');
    if (addresses.length === 0) return [...directives, marker(label)].join('\n');
    return [`<VirtualHost ${addresses.join(' ')}>`, ...directives, marker(label), '</VirtualHost>'].join('\n');
  });
  const listen = ['P', 'Q'].flatMap((port) => ['127.0.0.1', '127.0.0.2'].map((ip) => `Listen ${ip}:@${port}@`));
  return [...listen, ...sections, ''].join('\n').replaceAll('@P@', String(ports.P)).replaceAll('@Q@', String(ports.Q));
}

function marker(label: string): string {
  return `Redirect / http://${label}/`;
}

/** Labels of the servers that we say take each request. */
export function ourVerdicts(hostCase: HostCase): string[] {
  const reader = memoryReader({ 'httpd.conf': configOf(hostCase, PORTS) });
  const layout = { main: 'httpd.conf', root: '' };
  const tree = readTree({ layout, reader, ledger: createLedger(), redactor: createRedactor(APACHE_SECRETS) });
  const servers = readServers(tree);
  return hostCase.requests.map(({ address, port, host, path = '/' }) => {
    const name = host?.replaceAll('@P@', String(PORTS.P)).replace(/:\d+$/, '');
    return labelOf(chooseServer(servers, { address, port: PORTS[port] }, name, path).server);
  });
}

function labelOf({ nodes }: Server): string {
  const redirect = nodes.find(({ key }) => key === 'redirect');
  return /http:\/\/(.*)\/$/.exec(redirect?.rest ?? '')?.[1] ?? '';
}

const MAIN = 'main; ServerName main.test';
const ask = (...hosts: (string | undefined)[]): HostRequest[] =>
  hosts.map((host) => ({ address: '127.0.0.1', port: 'P', host }));
const everywhere = (...hosts: (string | undefined)[]): HostRequest[] =>
  hosts.flatMap((host) =>
    ['127.0.0.1', '127.0.0.2'].flatMap((address) => (['P', 'Q'] as const).map((port) => ({ address, port, host }))),
  );

export const HOST_CASES: readonly HostCase[] = [
  {
    name: 'AP-30 to AP-32: an earlier alias beats a later name, and what no name has is for the first',
    hosts: [
      MAIN,
      'one *:@P@; ServerName first.test',
      'two *:@P@; ServerName mail.contoso.com; ServerAlias *.contoso.com',
      'three *:@P@; ServerName www.contoso.com',
    ],
    requests: ask(
      'www.contoso.com',
      'unknown.test',
      '1.2.3.4',
      'contoso.com',
      undefined,
      'MAIL.contoso.com',
      'mail.contoso.com:9999',
      'mail.contoso.com.',
      '.contoso.com',
      'a.b.contoso.com',
      'main.test',
    ),
  },
  {
    name: 'AP-33: patterns of aliases',
    hosts: [MAIN, 'one *:@P@; ServerName a', 'two *:@P@; ServerName b; ServerAlias contoso.??g x?.test *y*z *'],
    requests: ask('contoso.org', 'contoso.com', 'X1.test', 'x.test', 'ayz', 'a', 'b', 'yyzz'),
  },
  {
    name: 'AP-34: the address comes before the name',
    hosts: [MAIN, 'one *:@P@; ServerName mail.contoso.com', 'two 127.0.0.1:@P@; ServerName other.test'],
    requests: everywhere('mail.contoso.com', 'other.test'),
  },
  {
    name: 'AP-35: _default_, * and 0.0.0.0 are one',
    hosts: [
      MAIN,
      'one _default_:@P@; ServerName a.test',
      'two *:@P@; ServerName b.test',
      'three 0.0.0.0:@P@; ServerName c.test',
      'four [::]:@P@; ServerName d.test',
    ],
    requests: ask('a.test', 'b.test', 'c.test', 'd.test', 'x.test'),
  },
  {
    name: 'AP-36: no virtual host on the port',
    hosts: [MAIN, 'one *:@P@; ServerName a.test'],
    requests: everywhere('a.test', 'main.test'),
  },
  {
    name: 'AP-37: ports in names',
    hosts: [
      MAIN,
      'one *:@P@; ServerName x.test',
      'two *:@P@; ServerName https://e.test:9999; ServerAlias f.test:@P@',
      'three *:@P@; ServerName g.test:80x',
    ],
    requests: ask('f.test', 'f.test:@P@', 'e.test', 'e.test:1', 'g.test'),
  },
  {
    name: 'AP-38: no name of its own',
    hosts: [MAIN, 'one *:@P@; ServerName a.test', 'two *:@P@', 'three *:@Q@; ServerAlias b.test'],
    requests: everywhere('main.test', 'a.test', 'b.test', 'x.test'),
  },
  {
    name: 'AP-39: no port means any, unless the main server has one',
    hosts: [MAIN, 'one 127.0.0.1; ServerName a.test', 'two *; ServerName b.test'],
    requests: everywhere('a.test', 'b.test', 'x.test'),
  },
  {
    name: 'the port of the main server is that of a virtual host without one',
    hosts: ['main; ServerName main.test:@Q@', 'one 127.0.0.1; ServerName a.test', 'two *; ServerName b.test'],
    requests: everywhere('a.test', 'b.test', 'x.test'),
  },
  {
    name: 'AP-41: two of one name',
    hosts: [MAIN, 'one *:@P@; ServerName x.test', 'two *:@P@; ServerName a.test', 'three *:@P@; ServerName a.test'],
    requests: ask('a.test'),
  },
  {
    name: 'an exact port beats any port',
    hosts: [
      MAIN,
      'one *:*; ServerName a.test',
      'two *:@P@; ServerName b.test',
      'three 127.0.0.2:*; ServerName c.test',
      'four 127.0.0.2:@Q@; ServerName d.test',
      'five 127.0.0.2:*; ServerName e.test',
    ],
    requests: everywhere('a.test', 'b.test', 'c.test', 'd.test', 'e.test', 'x.test'),
  },
  {
    name: 'several addresses of one virtual host',
    hosts: [MAIN, 'one 127.0.0.1:@P@ 127.0.0.2:@Q@; ServerName a.test', 'two *:@P@ *:@Q@; ServerName b.test'],
    requests: everywhere('a.test', 'b.test'),
  },
  {
    name: 'the address itself as Host',
    hosts: [
      MAIN,
      'one *:@P@; ServerName a.test',
      'two 127.0.0.1:@P@; ServerName b.test',
      'three 127.0.0.1:@P@ 127.0.0.2:@P@; ServerName c.test',
    ],
    requests: everywhere('127.0.0.1', '127.0.0.2', 'c.test'),
  },
  {
    name: 'ServerPath, where no Host is sent',
    hosts: [
      MAIN,
      'one *:@P@; ServerName a.test; ServerPath /a',
      'two *:@P@; ServerName b.test; ServerPath /b',
      'three *:@P@; ServerName c.test; ServerPath /c/',
    ],
    requests: ['/a/x', '/b', '/b/x', '/bx', '/c/', '/c/x', '/B', '/'].map((path) => ({
      address: '127.0.0.1',
      port: 'P',
      host: undefined,
      path,
    })),
  },
  {
    name: 'the last ServerName counts, and aliases add up',
    hosts: [
      MAIN,
      'one *:@P@; ServerName x.test',
      'two *:@P@; ServerName a.test; ServerAlias b.test; ServerName c.test; ServerAlias d.test',
    ],
    requests: ask('a.test', 'b.test', 'c.test', 'd.test'),
  },
];
