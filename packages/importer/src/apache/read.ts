// Room: an Apache configuration as a model, for those who want more of it than rules: the tree, its servers, its secrets.
import { createLedger } from '../ledger.ts';
import { createRedactor, type Redactor } from '../redact.ts';
import { readTree } from './expand.ts';
import type { ApacheOptions } from './import.ts';
import { findLayout } from './layout.ts';
import { APACHE_SECRETS } from './secrets.ts';
import { readServers, type Servers } from './servers.ts';
import type { ConfigTree } from './tree.ts';

/** `tree` ends at the line at which Apache would refuse to start, where there is one. */
export type ApacheModel = { tree: ConfigTree; servers: Servers; redactor: Redactor };

/** Reads a configuration; undefined where the folder holds none. Never throws on input. */
export function readApache(options: Omit<ApacheOptions, 'place'>): ApacheModel | undefined {
  const { path, reader, names = [], values = new Map() } = options;
  const found = findLayout(path, reader);
  if (found.kind === 'missing') return undefined;
  const redactor = createRedactor(APACHE_SECRETS);
  const tree = readTree({ layout: found.layout, reader, ledger: createLedger(), redactor, names, values });
  return { tree, servers: readServers(tree), redactor };
}
