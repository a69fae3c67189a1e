// Room: a cut-over planned for this machine: from the rules and whoever holds the port today, Apache or Squid, to changes, commands and steps.
import { X509Certificate } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { type CutoverPlan, type FileChange, planApache, planSquid, type Reader, type Site } from '@outrigger/importer';
import { formatDiagnostic, parseListenAddress, type RuleSet } from '@outrigger/rules';
import { readText, UsageError } from '../rulesfile.ts';
import { apacheCommands, type Commands, type GivenCommands, squidCommands } from './command.ts';
import type { Cutover } from './cutover.ts';
import { apacheSteps, type Step, type SurroundingSteps, squidSteps } from './steps.ts';
import { serviceName } from './surroundings/serviceunits.ts';
import { surroundingSteps } from './surroundings/surroundings.ts';

/** `lifetime`: milliseconds that Squid gives its clients when it ends. */
export type Planned = { plan: Cutover; commands: Commands; steps: Step[]; lifetime?: number };

/** What a person gives. `user`: whom Outrigger runs as. */
export type PlanRequest = {
  /** The rules file, and what it says. */
  file: string;
  rules: RuleSet;
  reader: Reader;
  apache?: string;
  squid: string[];
  sites: string[];
  names: string[];
  values: ReadonlyMap<string, string>;
  commands: GivenCommands;
  user: string;
};

/** The cut-over of whoever was named. Throws a UsageError for what cannot be planned. */
export function planned(request: PlanRequest): Planned {
  const { apache, squid } = request;
  if ((apache === undefined) === (squid.length === 0))
    throw new UsageError('give --apache PATH or --squid FILE: the one that holds the port today');
  return apache === undefined ? plannedSquid(request) : plannedApache(request, resolve(apache));
}

function plannedApache(request: PlanRequest, path: string): Planned {
  const { file, rules, reader, names, values, commands: given } = request;
  const result = planApache({ path, reader, rules, names, values });
  if (result.kind === 'failed') throw new UsageError(formatDiagnostic(result.note));
  const plan = {
    ...result,
    files: realFiles(result.files),
    holder: 'Apache',
    fresh: freshAddresses(rules, result.doors),
    pidFile: resolve(result.apache.pidFile),
  } as const;
  const service = serviceName(reader, apacheServices(result.apache));
  const commands = apacheCommands(given, plan, file, service);
  return { plan, commands, steps: apacheSteps(plan, commands, resolve(file), around(request, plan, service)) };
}

/** What systemd may call it: a second instance of Debian, a collection of Red Hat, or by its program. */
function apacheServices({ main, root, isRedHat }: CutoverPlan['apache']): [string, ...string[]] {
  const [, instance] = /^\/etc\/apache2-([^/]+)$/.exec(root) ?? [];
  const [, collection] = /^\/opt\/rh\/([^/]+)\/root\//.exec(main) ?? [];
  if (instance !== undefined) return [`apache2@${instance}`];
  if (collection !== undefined) return [`${collection}-httpd`];
  return isRedHat ? ['httpd', 'apache2'] : ['apache2', 'httpd'];
}

/** Squid names no sites: the names of the certificates do. */
function plannedSquid(request: PlanRequest): Planned {
  const { file, rules, reader, squid, commands: given } = request;
  const result = planSquid({ files: squid, reader, rules });
  if (result.kind === 'failed') throw new UsageError(formatDiagnostic(result.note));
  const certificates = rules.listen.flatMap(({ tls }) =>
    (tls?.certificates ?? []).flatMap((each) => ('pkcs12' in each ? [] : [each.cert])),
  );
  const names = [...request.sites, ...certificates.flatMap(namesIn)];
  const sites = result.doors.flatMap(({ taken, isTls }): Site[] => {
    const at = parseListenAddress(taken);
    if (at === undefined) return [];
    const asked = names.length > 0 ? [...new Set(names)] : [at.host ?? 'localhost'];
    return asked.map((name) => ({ name, address: at.host ?? '*', port: at.port, isTls }));
  });
  const { notes, doors, pidFile, lifetime } = result;
  const plan: Cutover = {
    files: [],
    notes,
    logs: [],
    sites,
    doors,
    holder: 'Squid',
    fresh: freshAddresses(rules, doors),
    ...(pidFile !== undefined && { pidFile }),
  };
  const isOld = squid.some((each) => resolve(each).startsWith('/etc/squid3/'));
  const service = serviceName(reader, isOld ? ['squid3', 'squid'] : ['squid', 'squid3']);
  const commands = squidCommands(given, squid, file, service);
  const steps = squidSteps(plan, certificates, commands, resolve(file), around(request, plan, service), lifetime);
  return { plan, commands, steps, lifetime };
}

function around({ reader, rules, user }: PlanRequest, plan: Cutover, service: string): SurroundingSteps {
  return surroundingSteps({
    reader,
    holder: plan.holder,
    service,
    taken: plan.doors.map(({ taken }) => portOf(taken)),
    places: plan.doors.flatMap(({ place }) => (place === undefined ? [] : [portOf(place)])),
    fresh: plan.fresh.filter((address) => !/^(?:127\.|\[::1\])/.test(address)).map(portOf),
    made: plan.files.filter(({ kind }) => kind !== 'edit').map(({ path }) => path),
    user,
    accessLogs: [...new Set((rules.accessLog ?? []).map((each) => resolve(each.file)))],
  });
}

/** Addresses of listeners that are not among those that change hands. */
function freshAddresses({ listen }: RuleSet, doors: readonly { taken: string }[]): string[] {
  const taken = new Set(doors.map((door) => nameOf(door.taken)));
  return listen.map(({ address }) => nameOf(address)).filter((address) => !taken.has(address));
}

function nameOf(address: string): string {
  const { host = '*', port = 0 } = parseListenAddress(address) ?? {};
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

/** Host names of a certificate, without patterns; none where it cannot be read. */
function namesIn(certificate: string): string[] {
  try {
    const { subjectAltName = '' } = new X509Certificate(readText(certificate));
    return [...subjectAltName.matchAll(/DNS:([\w.-]+)/g)].map(([, name = '']) => name);
  } catch {
    return []; // whether Outrigger can read it, its start will tell
  }
}

/** Files under their own names: sites-enabled holds links, which neither patch nor a copy must replace. */
function realFiles(files: readonly FileChange[]): FileChange[] {
  const real = files.map((each) => (each.kind === 'edit' ? { ...each, path: realpathSync(each.path) } : each));
  return real.filter(({ path }, index) => real.findIndex((each) => each.path === path) === index);
}
