// Room: the stage of live tests: a temporary folder with certificates, and an edge in front of given upstreams.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Edge, type LogRecord, startEdge } from '@outrigger/proxy';
import { formatDiagnostic, loadRules, type RuleSet } from '@outrigger/rules';
import { createAuthority } from '@outrigger/tools/certs';

export type Stage = {
  folder: string;
  /** Files of a certificate for contoso.com, localhost and loopback, and their text for servers of a test's own. */
  files: { cert: string; key: string };
  pem: { cert: string; key: string };
  /** Writes a file into the folder and returns its path. */
  write(name: string, text: string): string;
  /** Runs `rules` on ports of its own; ends with the stage. */
  edge(rules: RuleSet): Promise<{ port: number; records: LogRecord[] }>;
  close(): Promise<void>;
};

export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-live-'));
  // Daemons give up root and must still reach the files of their test.
  chmodSync(folder, 0o755);
  const authority = await createAuthority();
  const { certPem, keyPem } = await authority.issue({
    names: ['contoso.com', 'mail.contoso.com', 'localhost', '127.0.0.1'],
  });
  const edges: Edge[] = [];
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const files = { cert: write('front.crt', certPem), key: write('front.key', keyPem) };
  return {
    folder,
    files,
    pem: { cert: certPem, key: keyPem },
    write,
    async edge(rules) {
      const records: LogRecord[] = [];
      const started = await startEdge({ rules, report: (record) => records.push(record) });
      if (started.kind !== 'started') throw new Error(started.problems.map(({ message }) => message).join('\n'));
      edges.push(started.edge);
      const [address] = started.edge.addresses;
      if (address === undefined) throw new Error('an edge listens somewhere');
      return { port: address.port, records };
    },
    async close() {
      for (const edge of edges) await edge.close(0);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Rules for one TLS listener and one Exchange behind it. */
export function exchangeRules(stage: Stage, exchangePort: number): RuleSet {
  const text = `
listen:
  - { address: '127.0.0.1:0', tls: { certificates: [{ cert: ${stage.files.cert}, key: ${stage.files.key} }] } }
upstreams:
  exchange: { servers: ['https://127.0.0.1:${exchangePort}'], rpcOverHttp: true, tls: { verify: false } }
access: [{ allow: {} }]
routes: [{ to: exchange }]
`;
  const { rules, diagnostics } = loadRules(text, 'live.yaml');
  if (rules === undefined) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
  return rules;
}
