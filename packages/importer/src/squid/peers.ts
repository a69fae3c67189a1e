// Room: cache_peer lines, and the upstream each would be.
// Source: cache_cf.cc parse_peer, neighbors.cc, security/PeerOptions.cc (SQ-140 to SQ-196).
import { parseServer, suggestion, type Upstream, upstreamOf } from '@outrigger/rules';
import { remark } from '../ledger.ts';
import type { SquidAccessLine } from './access.ts';
import type { Directive } from './expand.ts';
import { MONITOR_OPTIONS, MONITORS_UNTIL, readMonitor } from './monitor.ts';
import { readPeerTls } from './peertls.ts';
import { splitOption } from './portoptions.ts';

/** How Squid picks among peers that may take a request, in its order of preference (peer_select.cc, selectMore). */
export const SELECTIONS = ['sourcehash', 'carp', 'round-robin', 'weighted-round-robin', 'order'] as const;
export type Selection = (typeof SELECTIONS)[number];

export type Peer = {
  name: string;
  directive: Directive;
  selection: Selection;
  /** Its share of requests against peers of the same selection (`weight=`); absent where the line gives none. */
  weight?: number;
  /** `proxy`: a parent that is no origin server: Squid may choose it, and it has no upstream. `sibling`: never chosen. */
  kind: 'origin' | 'proxy' | 'sibling';
  upstream: Upstream;
  frontEndHttps: 'absent' | 'on' | 'off' | 'auto';
  /** Connections it may have (`max-conn=`); absent where any number will do. */
  connections?: number;
  /** The server gets the Authorization that clients send (`login=PASS`, `PASSTHRU`). */
  passesLogins: boolean;
  /** Says itself how long a connection may take (`connect-timeout`). */
  limitsConnect: boolean;
  access: SquidAccessLine[];
  /** cache_peer_domain entries in order, as lines of a list. */
  domains: SquidAccessLine[];
};

/** Options with no effect on an upstream, by the reason. */
const WITHOUT_EFFECT: readonly (readonly [reason: string, options: string])[] = [
  ['', 'originserver parent ssl tls'],
  [
    'Outrigger keeps no cache and asks no sibling',
    'proxy-only no-query no-digest no-netdb-exchange allow-miss background-ping closest-only digest-url htcp multicast-responder multicast-siblings ttl no-delay ssl-no-npn tls-no-npn',
  ],
  ['Squid falls back to file order here anyway', 'default'],
  ['Outrigger keeps connections of each client for itself', 'standby no-pconn'],
  ['a server that cannot be reached is tried last for 10 s, from the first failure on', 'connect-fail-limit'],
  ['Squid goes by it only where ICP told it how far a peer is', 'basetime'],
  ['HTTP/1.1 is always spoken', 'http11'],
  ['sessions are resumed where the server allows', 'sslsession'],
];
const NO_EFFECT: ReadonlyMap<string, string> = new Map(
  WITHOUT_EFFECT.flatMap(([reason, options]) => options.split(' ').map((option) => [option, reason] as const)),
);

/** Options that a person must know are gone, by what is lost. */
const LOST: Readonly<Record<string, string>> = {
  'carp-key': 'requests are not spread by hash',
  'auth-no-keytab': 'Outrigger logs in nowhere',
  urlgroup: 'URL groups went away with Squid 2',
  idle: 'idle connections are not kept ready',
};

/** Values of `login` with which credentials of clients reach the peer (SQ-170, SQ-171). */
const PASSING_LOGINS = ['PASS', 'PASSTHRU'];

const READ_OPTIONS = [
  'name',
  'login',
  'front-end-https',
  'forceddomain',
  'connect-timeout',
  'connection-auth',
  'weight',
  'max-conn',
  'userhash',
  'sslcert',
  'tls-cert',
  'sslkey',
  'tls-key',
  'sslcafile',
  'tls-cafile',
  'ssldomain',
  'tls-domain',
  'sslflags',
  'tls-flags',
  'sslversion',
  'sslcipher',
  'tls-cipher',
  'ssloptions',
  'tls-options',
  'tls-min-version',
  'sslcapath',
  'tls-capath',
  'sslcrlfile',
  'tls-crlfile',
  'tls-default-ca',
  ...SELECTIONS,
];

/** Ways of choosing that Squid refuses on a line of another type (cache_cf.cc parse_peer; seen on 5.7). */
const OF_PARENTS: readonly string[] = ['carp', 'sourcehash', 'userhash'];

/** Reads one cache_peer line; undefined for one Squid refuses. `names` are those taken so far, in lower case; `version` is of Squid. */
export function readPeer(directive: Directive, names: ReadonlySet<string>, version: number): Peer | undefined {
  const { entry, at } = directive;
  const [host, kind, port, , ...rest] = directive.words.map(({ text }) => text);
  if (
    host === undefined ||
    kind === undefined ||
    !/^\d{1,5}$/.test(port ?? '') ||
    Number(port) === 0 ||
    Number(port) > 65_535
  ) {
    remark(
      entry,
      'malformed',
      'SQUID_PEER_BAD',
      'a cache_peer line is HOST TYPE HTTP-PORT ICP-PORT options: Squid does not start',
    );
    return undefined;
  }
  const options = new Map(rest.map(splitOption));
  const name = options.get('name') || host;
  const isTls = [...options.keys()].some(
    (option) => option === 'ssl' || option === 'tls' || /^(?:ssl|tls-)/.test(option),
  );
  const literal = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  const server = `${isTls ? 'https' : 'http'}://${literal}:${port}`;
  if (parseServer(server) === undefined) {
    remark(entry, 'malformed', 'SQUID_PEER_BAD', `${host} is neither a host name nor an address`);
    return undefined;
  }
  if (names.has(name.toLowerCase())) {
    remark(
      entry,
      'malformed',
      'SQUID_PEER_BAD',
      `a peer ${name} is specified twice: Squid does not start. Only the first is kept`,
      {
        hint: 'Give each peer a name=.',
      },
    );
    return undefined;
  }
  const ofParents = kind === 'parent' ? undefined : OF_PARENTS.find((option) => options.has(option));
  if (ofParents !== undefined) {
    const message = `${ofParents} is for parents alone, and this is a ${kind}: Squid does not start`;
    remark(entry, 'malformed', 'SQUID_PEER_BAD', message, { hint: `Remove ${ofParents}: no ${kind} is chosen by it.` });
  }
  const tls = readPeerTls(options, directive, name);
  const isOrigin = kind === 'parent' && options.has('originserver');
  if (!isOrigin) {
    const message =
      kind === 'parent'
        ? 'without originserver it is a proxy, to which Squid sends whole URLs; no upstream is made'
        : `a ${kind} is never asked for what is not in a cache; no upstream is made`;
    remark(entry, kind === 'parent' ? 'untranslated' : 'irrelevant', 'SQUID_PEER_KIND', message);
  }
  const monitors = version < MONITORS_UNTIL;
  checkOptions(options, directive, name, monitors ? [...READ_OPTIONS, ...MONITOR_OPTIONS] : READ_OPTIONS);
  // Only an origin server ever sees what a client sends.
  if (isOrigin) remarkLogin(options.get('login'), directive);
  const connect = options.get('connect-timeout');
  const health = isOrigin && monitors ? readMonitor(options, host, directive) : undefined;
  const weight = wholeNumber(options.get('weight'));
  const connections = wholeNumber(options.get('max-conn'));
  const forced = options.get('forceddomain');
  const given = options.get('front-end-https');
  return {
    name,
    directive,
    selection: SELECTIONS.find((selection) => options.has(selection)) ?? 'order',
    kind: isOrigin ? 'origin' : kind === 'parent' ? 'proxy' : 'sibling',
    frontEndHttps:
      given === undefined ? 'absent' : given === '' || given === 'on' ? 'on' : given === 'auto' ? 'auto' : 'off',
    passesLogins: PASSING_LOGINS.includes(options.get('login') ?? ''),
    limitsConnect: connect !== undefined,
    ...(weight !== undefined && { weight }),
    ...(connections !== undefined && { connections }),
    access: [],
    domains: [],
    upstream: {
      ...upstreamOf({
        servers: [server],
        ...(forced !== undefined && forced !== '' && { host: forced }),
        ...(isTls && tls !== undefined && { tls }),
        ...(connect !== undefined && /^\d{1,6}$/.test(connect) && { timeouts: { connect: `${Number(connect)}s` } }),
        from: [at],
      }),
      ...(health && { health }),
    },
  };
}

/** A number from 1 on; 0 sets nothing (SQ-161). */
function wholeNumber(text = ''): number | undefined {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

function checkOptions(
  options: ReadonlyMap<string, string>,
  directive: Directive,
  name: string,
  read: readonly string[],
): void {
  const { entry } = directive;
  const [host = ''] = directive.words.map(({ text }) => text);
  const silent: string[] = [];
  for (const [option, value] of options) {
    const lost = LOST[option];
    if (read.includes(option) || option === 'cert' || option === 'key') continue;
    if (NO_EFFECT.has(option)) {
      if (NO_EFFECT.get(option) !== '') silent.push(option);
    } else if (lost !== undefined) {
      remark(entry, 'approximated', 'SQUID_PEER_OPTION', `${option}=${value} is left out: ${lost}`);
    } else if ((MONITOR_OPTIONS as readonly string[]).includes(option)) {
      const message = `${option}=${value} was of Squid 2.6 and 2.7: 3 does not start with it, and since 3.4 it is ignored`;
      const hint =
        'If the file last ran on 2.6 or 2.7, import with --squid-version 2.7; it becomes health of the upstream.';
      remark(entry, 'translated', 'SQUID_PEER_HEALTH', message, { severity: 'warning', hint });
    } else {
      const hint = suggestion(option, [...read, ...NO_EFFECT.keys(), ...Object.keys(LOST)]);
      const message = `there is no cache_peer option ${option}; Squid since 3.4 ignores it, older ones do not start`;
      remark(entry, 'translated', 'SQUID_PEER_OPTION', message, {
        severity: 'warning',
        ...(hint !== undefined && { hint }),
      });
    }
  }
  const dead = ['cert', 'key'].filter((option) => options.has(option)).map((option) => `${option}=…`);
  if (dead.length > 0) {
    const message = `${dead.join(' and ')} ${dead.length === 1 ? 'is' : 'are'} ignored by every Squid since 3.4: no client certificate was ever sent to ${host}. Left out`;
    remark(entry, 'translated', 'SQUID_PEER_CERT_IGNORED', message, {
      hint: `To send one, add tls.certificate to upstream ${name}.`,
    });
  }
  if (options.has('userhash')) {
    const message =
      'userhash goes by the name that Squid itself asked a client for (auth_param); without one Squid takes peers in the order of the file, and so do the rules';
    remark(entry, 'translated', 'SQUID_PEER_OPTION', message);
  }
  if (options.get('connection-auth') === 'off') {
    remark(
      entry,
      'approximated',
      'SQUID_PEER_OPTION',
      'connection-auth=off took the NTLM and Negotiate offers out of answers; Outrigger lets them pass',
    );
  }
  if (silent.length > 0)
    remark(entry, 'translated', 'SQUID_PEER_OPTION', `${silent.join(', ')}: without effect here, left out`);
}

/** Authorization of the client always passes; Squid removes it unless told (SQ-170 to SQ-173). */
function remarkLogin(login: string | undefined, { entry }: Directive): void {
  if (login !== undefined && PASSING_LOGINS.includes(login)) {
    remark(
      entry,
      'translated',
      'SQUID_PEER_LOGIN',
      `login=${login}: credentials of clients pass, as they always do here`,
    );
  } else if (login === undefined || login === '') {
    const message = 'without login= Squid removed Authorization from every request; Outrigger passes it';
    remark(entry, 'approximated', 'SQUID_PEER_LOGIN', message, { severity: 'note' });
  } else {
    const message =
      'login= replaced the credentials of clients by its own; Outrigger sends those of the client and none of its own';
    remark(entry, 'untranslated', 'SQUID_PEER_LOGIN', message, {
      hint: 'Let the server accept what clients send, or let it trust this host.',
    });
  }
}
