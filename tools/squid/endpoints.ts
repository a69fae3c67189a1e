// Room: where the config of a golden case listens and sends requests on, read from its lines alone: a witness shares no reader with the
// importer.
/** Where a config listens. */
export type Port = { address: string; host: string; port: number; name: string | undefined; tls: boolean };
/** Where it sends requests on. */
export type Peer = { name: string; host: string; port: number; tls: boolean };

/** Ports of the lines of a config, includes in it. */
export function portsIn(text: string): Port[] {
  return [...text.matchAll(/^[ \t]*(https?)_port[ \t]+(\S+)(.*)$/gm)].flatMap(([, kind, address = '', rest = '']) => {
    const port = Number(/(\d+)$/.exec(address)?.[1]);
    const host = address.replace(/:?\d+$/, '');
    if (Number.isNaN(port)) return [];
    const protocol = /\bprotocol=(\w+)/.exec(rest)?.[1]?.toLowerCase();
    const tls = protocol === undefined ? kind === 'https' : protocol === 'https';
    return [{ address, host: host === '' ? '127.0.0.1' : host, port, name: /\bname=(\S+)/.exec(rest)?.[1], tls }];
  });
}

/** Peers of its lines, each address once. */
export function peersIn(text: string): Peer[] {
  const peers = [...text.matchAll(/^[ \t]*cache_peer[ \t]+(\S+)[ \t]+\w+[ \t]+(\d+)(.*)$/gm)].map(
    ([, host = '', port, rest = '']): Peer => ({
      name: /\sname=(\S+)/.exec(rest)?.[1] ?? host,
      host,
      port: Number(port),
      tls: /\s(?:ssl|tls)/.test(rest),
    }),
  );
  return [...new Map(peers.map((peer) => [`${peer.host}:${peer.port}`, peer])).values()];
}
