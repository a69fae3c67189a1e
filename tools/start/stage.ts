// Room: the scene of the first migration on one machine: throwaway certificates, a stand-in Exchange and Apache, and a copy
// of the old squid.conf whose addresses and files are theirs.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Apache, startApache } from '../apache/index.ts';
import { createAuthority, saveLeaf } from '../certs.ts';
import { type Exchange, startExchange } from '../exchange/index.ts';

export type Stage = {
  /** Temporary; gone after `close`. */
  folder: string;
  /** The mapped copy of the squid.conf. */
  conf: string;
  /** PEM of the authority behind every certificate here. */
  ca: string;
  exchange: Exchange;
  apache: Apache;
  close(): Promise<void>;
};

/** The stems of the certificate files that the old configuration names. */
const CERTIFICATES = ['contoso_com', 'web_san', 'mail_san'];
const NAMES = ['contoso.com', 'mail.contoso.com', 'www.contoso.com', '127.0.0.1'];

/** Sets it up. `original`: the squid.conf to copy; `front`: `ADDRESS:PORT` that the proxy is to take. */
export async function setStage(original: string, front: string): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'outrigger-start-'));
  const authority = await createAuthority();
  const leaf = await authority.issue({ names: NAMES });
  for (const stem of CERTIFICATES) await saveLeaf(leaf, folder, stem);
  const tls = { cert: leaf.certPem, key: leaf.keyPem };
  const [exchange, apache] = await Promise.all([startExchange({ tls }), startApache({ tls })]);
  const close = async () => {
    await Promise.all([exchange.close(), apache.close()]);
    await rm(folder, { recursive: true, force: true });
  };
  const mapped = mapConf(await readFile(original, 'utf8'), {
    front,
    exchange: exchange.port,
    apache: apache.port,
    folder,
  });
  if (mapped.kind === 'missing') {
    await close();
    throw new Error(`${original} no longer holds "${mapped.text}", which the demonstration maps to this machine`);
  }
  const conf = join(folder, 'squid.conf');
  await writeFile(conf, mapped.conf);
  return { folder, conf, ca: authority.certPem, exchange, apache, close };
}

export type Mapping = { front: string; exchange: number; apache: number; folder: string };

/** The same configuration on this machine's addresses; `missing` where the original no longer says what is replaced. */
export function mapConf(
  conf: string,
  { front, exchange, apache, folder }: Mapping,
): { kind: 'mapped'; conf: string } | { kind: 'missing'; text: string } {
  const replacements: [from: string, to: string][] = [
    ['203.0.113.10:443', front],
    ['cache_peer 127.0.0.1 parent 443 ', `cache_peer 127.0.0.1 parent ${apache} `],
    ['cache_peer 10.1.1.14 parent 443 ', `cache_peer 127.0.0.1 parent ${exchange} `],
    ['/etc/ssl/contoso/', `${folder}/`],
    ['/var/log/squid/', `${folder}/`],
  ];
  const missing = replacements.find(([from]) => !conf.includes(from));
  if (missing !== undefined) return { kind: 'missing', text: missing[0] };
  return { kind: 'mapped', conf: replacements.reduce((text, [from, to]) => text.replaceAll(from, to), conf) };
}
