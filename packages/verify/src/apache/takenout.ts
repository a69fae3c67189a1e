// Room: which lines a private copy of an Apache configuration does without, and why, as tables. What starts a program is never run for a
// comparison; what names files, users and sockets of this machine would meet those of the running Apache; what sends requests to
// a host that only the request knows could take a probe off this machine.
import { type Directive, isProvided, knownDirective, parseTarget } from '@outrigger/importer';
import type { TakenOut } from '../oracle.ts';

/** Modules whose work is to run programs, or code that came from elsewhere. Their directives go with them. */
const RUNS_PROGRAMS =
  /^mod_(?:cgid?|ext_filter|suexec|lua|perl|php\w*|python|wsgi|fcgid|proxy_fcgi|proxy_scgi|ruid2|mpm_itk)\.c$/;
/** Modules that speak with other machines, or with other daemons of this one, of their own accord. */
const GOES_ELSEWHERE =
  /^(?:util_ldap|mod_(?:ldap|authnz_ldap|authnz_fcgi|dbd|auth\w*_dbd|session_dbd|md|heartbeat|heartmonitor|proxy_hcheck|proxy_ajp|proxy_ftp|proxy_connect|proxy_uwsgi|systemd|auth_kerb|auth_gssapi))\.c$/;

/** Whether the copy may load a module, by its source file. */
export function isLoadable(file: string): boolean {
  return !RUNS_PROGRAMS.test(file) && !GOES_ELSEWHERE.test(file);
}

type Reason = Pick<TakenOut, 'code' | 'message'>;

const RUNS: Reason = {
  code: 'COMMAND_TAKEN_OUT',
  message: 'starts a program or hands messages to one, which a comparison never does',
};
const FOREIGN: Reason = {
  code: 'COMMAND_TAKEN_OUT',
  message: 'belongs to a module that is no part of httpd, whose code is not run for a comparison',
};
const MACHINE: Reason = {
  code: 'MACHINE_TAKEN_OUT',
  message: 'names files, users, sockets or settings of this machine; the copy has its own',
};
const DIRECT: Reason = {
  code: 'DIRECT_TAKEN_OUT',
  message: 'sends requests to a host that only they name, or asks other machines, and a probe must not leave this one',
};

const OF_THE_MACHINE: ReadonlySet<string> = new Set(
  `serverroot errorlog customlog transferlog globallog forensiclog pidfile user group mutex defaultruntimedir coredumpdirectory
  scoreboardfile chrootdir securitylevel sslsessioncache sslsessioncachetimeout sslstaplingcache sslusestapling sslcertificatekeyfile
  sslcertificatechainfile sslcacertificatefile sslcacertificatepath sslcadnrequestfile sslcadnrequestpath sslcarevocationfile
  sslcarevocationpath sslcarevocationcheck sslproxyverify sslproxycacertificatefile sslproxycacertificatepath
  sslproxycarevocationfile sslproxymachinecertificatefile sslproxymachinecertificatepath sslproxycheckpeername sslproxycheckpeercn
  sslproxycheckpeerexpire sslsessionticketkeyfile sslopensslconfcmd sslcryptodevice sslengineoptions loadmodule loadfile typesconfig mimemagicfile
  remoteipheader remoteipinternalproxy remoteiptrustedproxy remoteipinternalproxylist remoteiptrustedproxylist
  remoteipproxiesheader remoteipproxyprotocol remoteipproxyprotocolexceptions acceptfilter listenbacklog`.split(/\s+/),
);

const GOES_WHERE_REQUESTS_SAY: ReadonlySet<string> = new Set(['proxyremote', 'proxyremotematch', 'hostnamelookups']);

/** Lines that send requests on, by what follows their name. */
const SENDS_ON = /^(?:proxypass(?:match)?|balancermember)$/;

/** Whether a RewriteRule sends requests on itself. */
export function isProxyRule({ key, rest }: Pick<Directive, 'key' | 'rest'>): boolean {
  return key === 'rewriterule' && /\[[^\]]*\b(?:P|proxy)\b[^\]]*\]"?\s*$/i.test(rest);
}

/** Why the copy does without a line; undefined where it stays. `loaded`: modules of the copy. */
export function takenOutBecause(directive: Directive, loaded: ReadonlySet<string>): Reason | undefined {
  const { key, rest, words, name } = directive;
  if (OF_THE_MACHINE.has(key)) return /^\s*"?\s*\|/.test(rest) ? RUNS : MACHINE;
  if (key === 'sslpassphrasedialog') return /^"?(?:exec:|\|)/i.test(rest) ? RUNS : MACHINE;
  if (key === 'rewritemap' && /\s"?(?:prg|dbd|fastdbd):/i.test(rest)) return RUNS;
  if (GOES_WHERE_REQUESTS_SAY.has(key)) return DIRECT;
  if (key === 'proxyrequests' && words[0]?.text.toLowerCase() === 'on') return DIRECT;
  if (key === 'sethandler' && /^"?proxy:/i.test(rest)) return DIRECT;
  if ((SENDS_ON.test(key) || isProxyRule(directive)) && !goesToKnownServer(directive)) return DIRECT;
  const known = knownDirective(name);
  if (known === undefined) return FOREIGN;
  if (isProvided(known, loaded)) return undefined;
  return RUNS_PROGRAMS.test(known.module) ? RUNS : MACHINE;
}

/** A URL whose host stands in the file; a balancer; or no URL at all: `!`, or a path of the server itself. */
function goesToKnownServer({ key, words }: Directive): boolean {
  const texts = words.map(({ text }) => text);
  if (texts.some((text) => /^\w+=\w+:\/\/|^unix:/i.test(text))) return false;
  const urls = key === 'rewriterule' ? texts.slice(1, 2) : texts.filter((text) => /^[a-z]+:\/\//i.test(text));
  return urls.every((url) => {
    if (/^balancer:\/\/[\w.-]+/i.test(url)) return true;
    const [start] = /^https?:\/\/[^/]*/i.exec(url) ?? [];
    // With a $ or a % in the host, the request says where it goes.
    return start !== undefined && !/[$%]/.test(start) && parseTarget(`${start}/`).kind === 'http';
  });
}
