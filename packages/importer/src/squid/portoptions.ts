// Room: options of http_port and https_port: which there are, which mean nothing here, and the order Squid wants them in.
// Source: cache_cf.cc parse_port_option; security/ServerOptions.cc (SQ-100 to SQ-137).
import { suggestion } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import type { Directive } from './expand.ts';

/** Values by name; empty where an option has none. */
export type Options = ReadonlyMap<string, string>;

/** Options that mean nothing for a listener, each with the reason a person would want. */
const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  accel: '',
  vhost: '',
  'act-as-origin': 'Outrigger passes Date as the server sent it',
  'ignore-cc': 'there is no cache',
  tcpkeepalive: 'Outrigger keeps connections alive itself',
  'disable-pmtu-discovery': 'left to the kernel',
  'worker-queues': 'left to the kernel',
  dhparams: 'Diffie-Hellman parameters are chosen by the TLS library',
  'tls-dh': 'Diffie-Hellman parameters are chosen by the TLS library',
  sslcontext: 'names a session cache of Squid',
  dynamic_cert_mem_cache_size: 'belongs to interception',
  'generate-host-certificates': 'belongs to interception',
  'connection-auth': 'NTLM and Negotiate offers always pass, on connections of the client’s own',
  'no-connection-auth': 'NTLM and Negotiate offers always pass, on connections of the client’s own',
};

/** Options that a port is read by. */
const READ = [
  'defaultsite',
  'no-vhost',
  'vport',
  'protocol',
  'allow-direct',
  'name',
  'cert',
  'key',
  'tls-cert',
  'tls-key',
  'options',
  'tls-options',
  'cipher',
  'tls-cipher',
  'version',
  'tls-min-version',
  'clientca',
  'cafile',
  'tls-cafile',
  'capath',
  'crlfile',
  'tls-default-ca',
  'sslflags',
  'intercept',
  'tproxy',
  'transparent',
  'ssl-bump',
  'require-proxy-header',
];

/** Options only an accelerator has: in old files they stand without accel (field case 106, SQ-115). */
export const ACCELERATOR_SIGNS = ['accel', 'vhost', 'no-vhost', 'vport', 'defaultsite', 'act-as-origin'];

/** What makes a port an accelerator, and what stops Squid from starting where none of these stands in front of it (cache_cf.cc; 5.7). */
export const MODES = ['accel', 'vhost'];
export const NEED_MODE = ['defaultsite', 'vport', 'protocol', 'allow-direct'];
/** Before it, each of the signs was the mode as well. */
export const MODE_SINCE = 3.2;

/** Tells of options that do nothing here, that are none, and of an accel that stands too late. */
export function checkOptions(options: Options, { entry, words }: Directive): void {
  for (const [option, value] of options) {
    const reason = WITHOUT_EFFECT[option];
    if (READ.includes(option) || reason === '') continue;
    if (reason !== undefined) {
      const off = option === 'no-connection-auth' || (option === 'connection-auth' && value === 'off');
      remark(entry, off ? 'approximated' : 'translated', 'SQUID_PORT_OPTION', `${option} is left out: ${reason}`);
      continue;
    }
    const hint = suggestion(option, [...READ, ...Object.keys(WITHOUT_EFFECT)]);
    remark(
      entry,
      'malformed',
      'SQUID_PORT_BAD',
      `there is no port option ${option}: Squid does not start`,
      hint === undefined ? {} : { hint },
    );
  }
  const accel = words.findIndex(({ text }) => text === 'accel');
  const before = words
    .slice(1, Math.max(accel, 1))
    .find(({ text }) => ACCELERATOR_SIGNS.includes(splitOption(text)[0]));
  if (accel > 1 && before !== undefined) {
    remark(entry, 'malformed', 'SQUID_PORT_BAD', `accel must stand before ${before.text}: Squid does not start`);
  }
}

/** Tells of an option in front of what makes the port an accelerator: Squid from MODE_SINCE on does not start with it. */
export function checkMode({ entry, words }: Directive): void {
  const names = words.slice(1).map(({ text }) => splitOption(text)[0]);
  const mode = names.findIndex((name) => MODES.includes(name));
  const early = names.slice(0, mode === -1 ? undefined : mode).find((name) => NEED_MODE.includes(name));
  // An accel behind it is told of already.
  if (early === undefined || names.includes('accel')) return;
  const message = `${early} needs accel in front of it since Squid ${MODE_SINCE}: it does not start`;
  remark(entry, 'malformed', 'SQUID_PORT_BAD', message, { hint: 'Write accel behind the address.' });
}

/** `name=value`, or a bare option with an empty value. */
export function splitOption(text: string): [name: string, value: string] {
  const equals = text.indexOf('=');
  return equals === -1 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}
