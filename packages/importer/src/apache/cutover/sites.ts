// Room: what clients ask of an Apache, so that it can be asked before and after: its sites by name, and the logs in which their
// addresses are to be found. Pure.
import { pathIn } from '../../source.ts';
import type { Server, Servers } from '../servers.ts';
import { inherited } from '../settings.ts';
import type { ConfigTree } from '../tree.ts';
import { serverNameOf } from '../vhosts.ts';
import type { MovedDoor } from './door.ts';

/** A name that is served on an address. `address`: `*` for any. */
export type Site = { name: string; address: string; port: number; isTls: boolean };

/** A log file of a site, with a format that names the client. */
export type AccessLog = { file: string; site: string };

/** Names asked of one virtual host: the first says as much as the fiftieth. */
const NAMES_MAX = 3;

export function sitesOf(
  doors: readonly MovedDoor[],
  servers: Servers,
  tree: ConfigTree,
): { sites: Site[]; logs: AccessLog[] } {
  const sites: Site[] = [];
  const logs: AccessLog[] = [];
  for (const { listener, address, port, set } of doors) {
    for (const { server } of set) {
      const names = [serverNameOf(server, servers), ...server.aliases].filter((name) => name !== undefined);
      const plain = names.filter((name) => /^[\w.-]+$/.test(name)).slice(0, NAMES_MAX);
      // One without a name answers for whatever no other takes.
      const asked = plain.length > 0 ? plain : [address === '*' ? 'localhost' : address];
      for (const name of asked) {
        if (sites.some((each) => each.name === name && each.address === address && each.port === port)) continue;
        sites.push({ name, address, port, isTls: listener.tls !== undefined });
        const file = logOf(servers, server, tree);
        if (file !== undefined) logs.push({ file, site: name });
      }
    }
  }
  return { sites, logs };
}

const FORMATS_WITH_CLIENT = /%[<>]?(?:\{[^}c]*\})?[ha]/;
/** Formats that Debian and httpd ship, where a line of the tree says nothing of the name. */
const KNOWN = new Set(['common', 'combined', 'vhost_combined', 'combinedio']);

/** The last log file of a site; its own ones stand in for those of the main server. */
function logOf(servers: Servers, server: Server, { serverRoot }: ConfigTree): string | undefined {
  const own = server.nodes.filter(({ key }) => key === 'customlog' || key === 'transferlog');
  const lines =
    own.length > 0 ? own : servers.main.nodes.filter(({ key }) => key === 'customlog' || key === 'transferlog');
  const formats = new Map(
    inherited(servers, server, 'logformat').map(({ words }) => [words[1]?.text ?? '', words[0]?.text ?? '']),
  );
  const line = lines.findLast(({ key, words }) => {
    const [file = '', format = 'common'] = words.map(({ text }) => text);
    const text = key === 'transferlog' ? formats.get('') : formats.get(format);
    const named =
      text === undefined ? KNOWN.has(format) || FORMATS_WITH_CLIENT.test(format) : FORMATS_WITH_CLIENT.test(text);
    return !/^(?:\||syslog|journald)/.test(file) && named && words.length <= 2;
  });
  const file = line?.words[0]?.text;
  return file === undefined ? undefined : pathIn(serverRoot, file);
}
