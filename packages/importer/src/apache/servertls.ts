// Room: what became of the lines on TLS towards servers, where a rule says nearly what they say. Pure.
// Source: modules/ssl/ssl_engine_io.c ssl_io_filter_handshake (AP-131, AP-132, AP-167).
import { remark } from '../ledger.ts';
import type { Server, Servers } from './servers.ts';
import { inherited, setting } from './settings.ts';
import type { Directive, Section } from './tree.ts';

/** Whether Apache compares the name of a server with those in its certificate: unless one of two switches ends it (AP-132). */
function comparesName(servers: Servers, server: Server, sections: readonly Section[]): boolean {
  const [name, common] = ['sslproxycheckpeername', 'sslproxycheckpeercn'].map((key) =>
    setting(servers, server, key, sections)?.toLowerCase(),
  );
  return name === undefined ? common !== 'off' : name !== 'off';
}

/** Says where Outrigger checks less of a certificate than Apache did, or more. `line`: the one that leads to the server. */
export function remarkServerTls(
  servers: Servers,
  server: Server,
  sections: readonly Section[],
  isVerified: boolean,
  line: Directive,
): void {
  const isCompared = comparesName(servers, server, sections);
  if (isVerified && !isCompared) {
    const message =
      'Apache checked who signed the certificate of the server and not its name; Outrigger checks both, and answers 502 where the name is another';
    say(line, message, 'Set serverName in tls of the upstream to a name in the certificate.');
  }
  if (!isVerified && isCompared) {
    const message =
      'Apache compared the name in the certificate of the server, whoever signed it, and answered 500 where it was another; Outrigger goes on';
    say(line, message, 'Set ca to the file of the authority that signed its certificate, and verify to true.');
  }
  for (const directive of ['sslproxyprotocol', 'sslproxyciphersuite'].flatMap((key) =>
    inherited(servers, server, key, sections),
  ))
    say(directive, 'Outrigger speaks TLS 1.2 and 1.3 with servers, with ciphers of its own choice');
}

function say({ entry }: Directive, message: string, hint?: string): void {
  if (entry.remarks.some((each) => each.message === message)) return;
  remark(entry, 'approximated', 'APACHE_TLS', message, hint === undefined ? {} : { hint });
}
