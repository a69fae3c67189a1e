// Room: what a person must know of the cut-over beside the changed lines, as one table: lines of Apache that look at addresses, ports,
// connections or TLS, and what they see from behind Outrigger. Pure.
import { asksAddress } from '../loopback.ts';
import { asksTls } from '../place.ts';
import { everyNode } from '../settings.ts';
import type { ConfigNode, ConfigTree } from '../tree.ts';
import type { CutoverNote } from './cutover.ts';
import { type MovedDoor, written } from './door.ts';

/** How Apache is behind Outrigger on at least one of its places. */
type Behind = { isPlain: boolean; hasTls: boolean; isTold: boolean; isPassedTo: boolean };

/** `isMet`: whether a line is such a one. `message`: what it sees then, and what to write. */
type Look = Pick<CutoverNote, 'severity' | 'code' | 'message'> & {
  isMet: (node: ConfigNode, behind: Behind) => boolean;
};

/** Modules that count connections of one address before they read a request: mod_qos, mod_limitipconn, mod_evasive, mod_security, mod_antiloris. */
const COUNTS_CONNECTIONS =
  /^(?:qs_(?:srvmaxconnperip|cond\w*|client\w+)|maxconnperip|dos\w+|secconn(?:engine|readstatelimit|writestatelimit)|ip\w+limit)$/;
/** In what a line says, whatever its name. */
const CONNECTION = /%\{CONN_REMOTE_ADDR\}|\bCONN_REMOTE_ADDR\b/;
const OWN_PLACE = /%\{SERVER_ADDR\}|^\s*"?Server_Addr\b/i;
const LOGS = /^(?:customlog|logformat|errorlogformat)$/;

const LOOKS: readonly Look[] = [
  {
    severity: 'note',
    code: 'CUTOVER_ADDRESS_RULE',
    message:
      'it asks for addresses and goes on seeing the client, because mod_remoteip believes Outrigger; without that line it would see 127.0.0.1',
    isMet: (node) => asksAddress(node) !== undefined,
  },
  {
    severity: 'warning',
    code: 'CUTOVER_RENEWAL',
    message:
      'mod_md renews this certificate: over port 443 (tls-alpn-01) it cannot any more, for Outrigger ends TLS there; over port 80 it goes on. Write MDCAChallenges http-01, and have Outrigger reload when one is new',
    isMet: ({ key }) => /^mdomain(?:set)?$/.test(key),
  },
  {
    severity: 'warning',
    code: 'CUTOVER_LOG',
    message: 'it logs who connects, which is Outrigger then: write %a or %h for the client',
    isMet: ({ key, rest }, { isTold }) => !isTold && LOGS.test(key) && /%\{c\}[ha]/.test(rest),
  },
  {
    severity: 'note',
    code: 'CUTOVER_OWN_PLACE',
    message:
      'it logs the address or port that Apache is asked on, which is its place on loopback then: %p is the port of the site',
    isMet: ({ key, rest }) => LOGS.test(key) && /%(?:\{local\}p|[<>]?A)/.test(rest),
  },
  {
    severity: 'warning',
    code: 'CUTOVER_OWN_PLACE',
    message:
      'it has Apache take the port that it is asked on for its own, and redirects and SERVER_PORT would name its place on loopback: set it to Off, and the port is that of the site',
    isMet: ({ key, words }) => key === 'usecanonicalphysicalport' && words[0]?.text.toLowerCase() === 'on',
  },
  {
    severity: 'warning',
    code: 'CUTOVER_OWN_PLACE',
    message: 'it asks for the address that Apache is asked on, which is that of loopback then',
    isMet: ({ key, rest }) => !LOGS.test(key) && OWN_PLACE.test(rest),
  },
  {
    severity: 'warning',
    code: 'CUTOVER_CONNECTIONS',
    message: 'it asks who connects, which is Outrigger for everybody: write REMOTE_ADDR in its place',
    isMet: ({ key, rest }, { isTold }) => !isTold && !LOGS.test(key) && CONNECTION.test(rest),
  },
  {
    severity: 'warning',
    code: 'CUTOVER_CONNECTIONS',
    message:
      'it counts what comes from one address, and may count every visitor as Outrigger and shut all of them out: take it out, and let limits.connectionsPerClient of the rules do it',
    isMet: ({ key }) => COUNTS_CONNECTIONS.test(key),
  },
  {
    severity: 'warning',
    code: 'CUTOVER_PROXIES',
    message:
      'it names proxies before Apache, which connect to Outrigger then: name them in trustedProxies (or proxyProtocol of the listener), or every visitor that comes through them has their address',
    isMet: ({ key, words }) =>
      /^remoteip(?:trustedproxy|internalproxy)(?:list)?$/.test(key) &&
      words.some(({ text }) => !/^(?:127\.0\.0\.(?:1|0\/\d+)|::1(?:\/128)?)$/.test(text)),
  },
  {
    severity: 'warning',
    code: 'CUTOVER_CLIENT_CERTIFICATE',
    message:
      'it would ask Outrigger for a certificate, which shows none: ask on the listener (clientCertificates) and write SSLVerifyClient none here, or hand the name on with passThrough',
    isMet: ({ key, words }, { hasTls, isPassedTo }) =>
      hasTls && !isPassedTo && key === 'sslverifyclient' && words[0]?.text.toLowerCase() !== 'none',
  },
  {
    severity: 'warning',
    code: 'CUTOVER_PLAIN',
    message:
      'it asks for TLS, and requests reach Apache over plain HTTP then: ask for %{HTTP:X-Forwarded-Proto}, or leave TLS on loopback (import without --apache-plain)',
    isMet: (node, { isPlain }) => isPlain && asksTls(node),
  },
];

export function cutoverNotes(tree: ConfigTree, doors: readonly MovedDoor[]): CutoverNote[] {
  if (doors.length === 0) return [];
  const behind: Behind = {
    isPlain: doors.some(({ place, listener }) => place.isPlain && listener.tls !== undefined),
    hasTls: doors.some(({ place }) => !place.isPlain),
    isPassedTo: doors.some(({ listener }) => listener.passThrough !== undefined),
    isTold: doors.every(({ upstream }) => upstream.proxyProtocol !== undefined),
  };
  const notes = [...everyNode(tree.nodes)].flatMap((node) =>
    LOOKS.filter(({ isMet }) => isMet(node, behind)).map(
      ({ severity, code, message }): CutoverNote => ({ severity, code, at: node.at, message }),
    ),
  );
  const unserved = doors.filter(({ set }) => set.length === 0);
  const bare = unserved.map(({ place, port }): CutoverNote => {
    const message = `no virtual host answers on port ${port}: the main server does`;
    const at = { file: written(place), line: 1, directive: '' };
    return { severity: 'note', code: 'CUTOVER_MAIN_SERVER', at, message };
  });
  return [...notes, ...bare];
}
