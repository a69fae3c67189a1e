// Room: the sites of an Apache asked before and after a cut-over: the same answers must come, and the client's own address must
// arrive in Apache's log.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AccessLog, Site } from '@outrigger/importer';
import { clientAddress, reachable } from './address.ts';

/** What a site answered; `from`: the address that asked. */
export type Answer = { status: number; location: string; type: string; sha256: string; from: string };
export type Asked = { site: Site; answer: Answer | undefined; isSteady: boolean };

/** Milliseconds for one answer. */
const ANSWER_PATIENCE = 15_000;
/** Milliseconds until a line of Apache's log is given up, and between two looks. */
const LOG_PATIENCE = 3_000;
const LOG_INTERVAL = 50;

/** One round of questions; `path` names it, so that it is found in logs and asked the same way again. */
export type Round = { path: string; asked: Asked[]; logSizes: Map<string, number> };

/**
 * Asks each site twice: a page that is another one each time is compared by its status alone, and so is an error where whoever answers
 * writes its own (`writesErrors`).
 */
export async function askBefore(
  sites: readonly Site[],
  logs: readonly AccessLog[],
  writesErrors = false,
): Promise<Round> {
  const path = `/?outrigger-probe=${randomBytes(8).toString('hex')}`;
  const asked: Asked[] = [];
  for (const site of sites) {
    const [answer, again] = [await ask(site, path), await ask(site, path)];
    asked.push({
      site,
      answer,
      isSteady: told(answer) === told(again) && !(writesErrors && (answer?.status ?? 0) >= 400),
    });
  }
  const logSizes = new Map(logs.map(({ file }) => [file, sizeOf(file)]));
  return { path, asked, logSizes };
}

/** Asks again: a sentence for each site that answers otherwise. */
export async function askAfter({ path, asked }: Round): Promise<string[]> {
  const wrong: string[] = [];
  for (const { site, answer, isSteady } of asked) {
    const now = await ask(site, path);
    const same = isSteady ? told(now) === told(answer) : now?.status === answer?.status;
    if (!same) wrong.push(`${site.name} on port ${site.port} answered ${shown(answer)} before and ${shown(now)} now`);
  }
  return wrong;
}

/** What the logs say of the second round: the client's address, another one, or nothing yet. */
export async function lookInLogs(
  { path, asked, logSizes }: Round,
  logs: readonly AccessLog[],
): Promise<{ seen: string[]; wrong: string[]; silent: string[] }> {
  const found = { seen: [] as string[], wrong: [] as string[], silent: [] as string[] };
  const deadline = performance.now() + LOG_PATIENCE;
  for (const [file, size] of logSizes) {
    const sites = logs.filter((each) => each.file === file).map(({ site }) => site);
    const from =
      asked.find(({ site, answer }) => answer !== undefined && sites.includes(site.name))?.answer?.from ?? '';
    let lines = linesWith(file, size, path);
    while (lines.length === 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, LOG_INTERVAL));
      lines = linesWith(file, size, path);
    }
    if (lines.length === 0) found.silent.push(file);
    else if (lines.some((line) => line.split(/[\s,"[\]]+/).includes(from))) found.seen.push(file);
    else found.wrong.push(`${file} does not name the client ${from}: ${lines[0]?.slice(0, 200) ?? ''}`);
  }
  return found;
}

function linesWith(file: string, size: number, path: string): string[] {
  try {
    const text = readFileSync(file).subarray(size).toString('latin1');
    return text.split('\n').filter((line) => line.includes(path));
  } catch {
    return []; // it is not there yet, or not for us to read
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function told(answer: Answer | undefined): string {
  return answer === undefined ? '' : [answer.status, answer.location, answer.type, answer.sha256].join('\n');
}

function shown(answer: Answer | undefined): string {
  if (answer === undefined) return 'nothing';
  const { status, location, sha256 } = answer;
  return `${status}${location === '' ? '' : ` to ${location}`} (body ${sha256.slice(0, 12)})`;
}

/** One GET on a connection of its own; undefined where no answer comes. Nobody checks the certificate: it was never for this address. */
function ask({ name, address, port, isTls }: Site, path: string): Promise<Answer | undefined> {
  const { host } = reachable(`${address}:${port}`);
  const localAddress = clientAddress(host);
  const isDefault = port === (isTls ? 443 : 80);
  const options: RequestOptions = {
    host,
    port,
    path,
    agent: false,
    timeout: ANSWER_PATIENCE,
    headers: { Host: isDefault ? name : `${name}:${port}`, 'User-Agent': 'outrigger-plan' },
    ...(localAddress !== undefined && { localAddress }),
  };
  return new Promise((done) => {
    const take = (response: IncomingMessage): void => {
      const digest = createHash('sha256');
      const from = response.socket.localAddress?.replace(/^::ffff:/, '') ?? '';
      response
        .on('data', (piece: Buffer) => digest.update(piece))
        .once('error', () => done(undefined))
        .once('end', () => {
          const { statusCode: status = 0, headers } = response;
          const { location = '', 'content-type': type = '' } = headers;
          done({ status, location, type, sha256: digest.digest('hex'), from });
        });
    };
    const asking = isTls
      ? httpsRequest({ ...options, servername: name, rejectUnauthorized: false }, take)
      : httpRequest(options, take);
    asking
      .once('timeout', () => asking.destroy())
      .once('error', () => done(undefined))
      .end();
  });
}
