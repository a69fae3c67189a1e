import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { formatDiagnostic, loadRules, type RuleSet } from '@outrigger/rules';
import { type Daemon, daemonOrSkip, freePort, startApache } from '@outrigger/tools/daemons';
import { connect, expectResponse } from '@outrigger/tools/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStage, type Stage } from './stage.ts';

// Apache since 2.4.64 answers 421 where the name in SNI belongs to another virtual host than the Host, and the two differ in
// their TLS settings (field cases 88, 90).

const SITES = { 'contoso.com': '-all +TLSv1.2 +TLSv1.3', 'mail.contoso.com': '-all +TLSv1.2' };

describe.runIf(daemonOrSkip('apache2'))('the installed Apache with two TLS virtual hosts of different settings', () => {
  let stage: Stage;
  let apache: Daemon;
  let port: number;

  beforeAll(async () => {
    stage = await openStage();
    port = await freePort();
    const hosts = Object.entries(SITES).map(([name, protocols]) => {
      mkdirSync(join(stage.folder, name));
      stage.write(join(name, 'page.txt'), `site ${name}`);
      return `<VirtualHost 127.0.0.1:${port}>
  ServerName ${name}
  DocumentRoot ${stage.folder}/${name}
  SSLEngine on
  SSLProtocol ${protocols}
  SSLCertificateFile ${stage.files.cert}
  SSLCertificateKeyFile ${stage.files.key}
</VirtualHost>`;
    });
    const conf = [`Listen 127.0.0.1:${port}`, 'SSLSessionCache none', ...hosts].join('\n');
    apache = await startApache({ dir: stage.folder, conf, modules: ['ssl'] });
  });
  afterAll(async () => {
    await apache?.stop();
    await stage?.close();
  });

  function rules(tls: string): RuleSet {
    const text = `
listen: [{ address: '127.0.0.1:0' }]
upstreams: { apache: { servers: ['https://127.0.0.1:${port}'], tls: ${tls} } }
access: [{ allow: {} }]
routes: [{ to: apache }]
`;
    const { rules: loaded, diagnostics } = loadRules(text, 'live.yaml');
    if (loaded === undefined) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
    return loaded;
  }

  /** Status and body for each host, all on one connection of a client. */
  async function ask(tls: string): Promise<[number, string][]> {
    const edge = await stage.edge(rules(tls));
    const wire = await connect({ host: '127.0.0.1', port: edge.port });
    const answers: [number, string][] = [];
    for (const host of [...Object.keys(SITES), ...Object.keys(SITES)]) {
      await wire.send(`GET /page.txt HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      const { status, body } = await expectResponse(wire);
      answers.push([status, body.toString('utf8')]);
      if (status !== 200) break;
    }
    await wire.close();
    return answers;
  }

  it('serves both to one client connection, because each is asked for under its own name', async () => {
    const served = Object.keys(SITES).map((name): [number, string] => [200, `site ${name}`]);
    expect(await ask('{ verify: false }')).toEqual([...served, ...served]);
  });

  it('answers 421 where all requests go under one name, so the test above can fail', async () => {
    const [first, second] = await ask('{ verify: false, serverName: contoso.com }');
    expect(first?.[0]).toBe(200);
    expect(second?.[0]).toBe(421);
  });
});
