// Room: the cut-over of an Apache to loopback, planned: its tree and the rules in, changed files, steps and sites out. What is planned is
// read again as Apache would read it, and held against what was: the same virtual hosts must answer, in the same order. Pure.
import type { Diagnostic, RuleSet } from '@outrigger/rules';
import type { ImportCode } from '../../codes.ts';
import { createLedger } from '../../ledger.ts';
import { createRedactor } from '../../redact.ts';
import { pathIn, type Reader } from '../../source.ts';
import { checkTree } from '../check.ts';
import { readTree } from '../expand.ts';
import { findLayout, type Layout } from '../layout.ts';
import { trustsLoopback } from '../loopback.ts';
import { APACHE_SECRETS } from '../secrets.ts';
import { readServers, type Servers } from '../servers.ts';
import { setting } from '../settings.ts';
import type { ConfigTree } from '../tree.ts';
import { addressSet } from '../vhosts.ts';
import type { FileChange } from './change.ts';
import { type MovedDoor, movedDoors, written } from './door.ts';
import { editFiles } from './lines.ts';
import { cutoverNotes } from './notes.ts';
import { changedReader } from './overlay.ts';
import { inBrackets, remoteIpFiles } from './remoteip.ts';
import { type AccessLog, type Site, sitesOf } from './sites.ts';

export type CutoverOptions = {
  /** The main file of Apache or its folder. */
  path: string;
  reader: Reader;
  rules: RuleSet;
  names?: readonly string[];
  values?: ReadonlyMap<string, string>;
};

export type CutoverPlan = {
  kind: 'plan';
  /** Empty where Apache is behind Outrigger already. */
  files: FileChange[];
  notes: CutoverNote[];
  /** What clients ask for, to be asked before and after. */
  sites: Site[];
  logs: AccessLog[];
  /** Addresses that change hands, as Listen lines write them, and where Apache is then. */
  doors: { taken: string; place: string; isPlain: boolean }[];
  apache: InstalledApache;
  /** Files of keys and certificates that Outrigger must be able to read. */
  certificates: string[];
};

/** An Apache on this machine: what it is started with and where it says who it is. `isRedHat`: called httpd, with conf/httpd.conf. */
export type InstalledApache = {
  main: string;
  root: string;
  /** Given with -D. */
  names: readonly string[];
  environment: ReadonlyMap<string, string>;
  isRedHat: boolean;
  pidFile: string;
};

export type CutoverNote = Omit<Diagnostic, 'code'> & { code: ImportCode };

export type CutoverResult = CutoverPlan | { kind: 'failed'; note: CutoverNote };

/** Red Hat builds it so, below the ServerRoot, and says nothing of it in its files; Debian's say where it is. */
const DEFAULT_PID_FILE = 'run/httpd.pid';

/** Plans the cut-over. Never throws on input. */
export function planApache(options: CutoverOptions): CutoverResult {
  const { path, reader, rules } = options;
  const place = { file: path, line: 1, directive: '' };
  const fail = (code: ImportCode, message: string, at = place): CutoverResult => ({
    kind: 'failed',
    note: { severity: 'error', code, at, message },
  });
  const found = findLayout(path, reader);
  if (found.kind === 'missing') return fail('APACHE_NOTHING_TO_RUN', found.message);
  const { layout } = found;
  const before = readApache(layout, options, reader);
  if (before.kind === 'refused') return fail('APACHE_REFUSED', before.message, before.at);
  const { tree, servers } = before;
  const moved = movedDoors(rules, servers);
  if (moved.kind === 'failed') return fail('CUTOVER_NO_PLACE', moved.message);
  const { doors } = moved;
  const taken = doors.find(({ place: { host, port } }) =>
    servers.listens.some(
      (each) => each.port === port && (each.host.kind === 'any' || each.written === host) && !isMoved(each, doors),
    ),
  );
  if (taken !== undefined)
    return fail('CUTOVER_NO_PLACE', `Apache listens on port ${taken.place.port} already: choose another for it`);
  const byHand = ({ node, message }: { node: { at: typeof place }; message: string }): CutoverResult =>
    fail('CUTOVER_BY_HAND', message, node.at);
  const edited = editFiles(doors, reader);
  if (edited.kind === 'failed') return byHand(edited);
  const { root } = layout;
  let files: FileChange[] = [];
  let wrong: string | undefined;
  for (const inMain of [false, true]) {
    const told = remoteIpFiles(tree, doors, { main: layout.main, root, reader, edits: edited.files, inMain });
    if (told.kind === 'failed') return byHand(told);
    const own = told.files.map(({ path: each }) => each);
    files = [...edited.files.filter((each) => !own.includes(each.path)), ...told.files];
    wrong = difference(doors, servers, readApache(layout, options, changedReader(reader, files)));
    if (wrong === undefined) break;
  }
  if (wrong !== undefined) return fail('CUTOVER_BY_HAND', wrong);
  const { sites, logs } = sitesOf(doors, servers, tree);
  return {
    kind: 'plan',
    files,
    notes: cutoverNotes(tree, doors),
    sites,
    logs,
    doors: doors.map(({ address, port, place: to }) => ({
      taken: written({ host: address, port }),
      place: written(to),
      isPlain: to.isPlain,
    })),
    apache: {
      main: layout.main,
      root: layout.root,
      names: [...(layout.envvars?.names ?? []), ...(options.names ?? [])],
      environment: new Map([...(layout.envvars?.values ?? []), ...(options.values ?? [])]),
      isRedHat: /(?:^|\/)httpd\.conf$/.test(layout.main),
      pidFile: pathIn(tree.serverRoot, setting(servers, servers.main, 'pidfile') ?? DEFAULT_PID_FILE),
    },
    certificates: filesOf(rules),
  };
}

type Read =
  | { kind: 'read'; tree: ConfigTree; servers: Servers }
  | { kind: 'refused'; message: string; at: { file: string; line: number; directive: string } };

function readApache(layout: Layout, { names = [], values = new Map() }: CutoverOptions, reader: Reader): Read {
  const ledger = createLedger();
  const tree = readTree({ layout, reader, ledger, redactor: createRedactor(APACHE_SECRETS), names, values });
  const servers = readServers(tree);
  const refusal = tree.refusal ?? checkTree(tree) ?? servers.refusal;
  if (refusal === undefined) return { kind: 'read', tree, servers };
  return { kind: 'refused', message: `Apache does not start with it: ${refusal.message}`, at: refusal.at };
}

/** What would be otherwise in the changed tree than it shall be, as a sentence; undefined where all is well. */
function difference(doors: readonly MovedDoor[], before: Servers, after: Read): string | undefined {
  if (after.kind === 'refused') return `${after.at.file}:${after.at.line}: ${after.message}`;
  const { listens } = after.servers;
  const deaf = doors.find(
    ({ place, upstream }) =>
      upstream.proxyProtocol === undefined && !trustsLoopback(after.tree, { host: inBrackets(place.host) }),
  );
  if (deaf !== undefined) return `Apache would not hear the client's address on ${written(deaf.place)}`;
  const places = doors.map(({ place }) => place);
  for (const { port, listens: old, place, set } of doors) {
    if (
      !places.some((each) => each.port === port) &&
      listens.some((each) => each.port === port && old.length > 0 && isLeft(each, old))
    )
      return `port ${port} would still be listened on`;
    if (!listens.some((each) => each.port === place.port && each.written.replace(/^\[|\]$/g, '') === place.host))
      return `nothing would listen on ${written(place)}`;
    const then = addressSet(after.servers, { address: place.host, port: place.port });
    const name = ({ server }: (typeof then)[number]): number => after.servers.virtualHosts.indexOf(server);
    const was = set.map(({ server }) => before.virtualHosts.indexOf(server));
    if (then.map(name).join() !== was.join())
      return `other virtual hosts would answer on ${written(place)} than on port ${port}: a macro or a shared section is in the way`;
  }
  return undefined;
}

function isLeft({ written: address }: { written: string }, old: readonly { written: string }[]): boolean {
  return old.some((each) => each.written === address);
}

function isMoved(listen: Servers['listens'][number], doors: readonly MovedDoor[]): boolean {
  return doors.some(({ listens }) => listens.includes(listen));
}

function filesOf({ listen }: RuleSet): string[] {
  const files = listen.flatMap(({ tls }) =>
    (tls?.certificates ?? []).flatMap((each) => ('pkcs12' in each ? [each.pkcs12] : [each.cert, each.key])),
  );
  return [...new Set(files)];
}
