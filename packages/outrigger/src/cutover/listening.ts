// Room: who listens on which address of this machine, as the kernel tells it: the tables of proc_net(5), and whose the sockets are.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { endianness } from 'node:os';
import { basename } from 'node:path';

/** A listening socket. `host`: `*` for every address; without brackets. */
export type Listening = { host: string; port: number; inode: string };

/** A process. `program`: the file it runs; empty where it is not for us to see. */
export type Holder = { pid: number; parent: number; program: string };

/** TCP_LISTEN of the kernel's include/net/tcp_states.h. */
const LISTEN = '0A';
/** Behind the name of a program that was replaced while it runs, as an upgrade does, proc_pid_exe(5). */
const DELETED = / \(deleted\)$/;

/** The listening sockets of /proc/net/tcp or /proc/net/tcp6; lines of another form are none. */
export function parseListening(text: string): Listening[] {
  return text.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    const [, address = '', port = ''] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local) ?? [];
    if (state !== LISTEN || inode === undefined || address === '') return [];
    return [{ host: hostOf(address), port: Number.parseInt(port, 16), inode }];
  });
}

/** Words of 32 bits as the machine has them in memory: `0100007F` is 127.0.0.1 where the lowest byte comes first. */
function hostOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => {
    const pairs = (word.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
    return endianness() === 'LE' ? pairs.reverse() : pairs;
  });
  if (bytes.every((byte) => byte === 0)) return '*';
  if (bytes.length === 4) return bytes.join('.');
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  if (mapped) return bytes.slice(12).join('.');
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  return canonical(groups.join(':'));
}

/** One spelling of an IPv6 address, RFC 5952; any other text as it is. */
function canonical(host: string): string {
  if (!host.includes(':')) return host;
  try {
    return new URL(`http://[${host}]`).hostname.slice(1, -1);
  } catch {
    return host; // no address
  }
}

/** All of this machine, or of the network namespace we are in. Empty where there is no /proc. */
export function listeningNow(proc = '/proc'): Listening[] {
  return ['tcp', 'tcp6'].flatMap((table) => parseListening(readOr(`${proc}/self/net/${table}`)));
}

/** Those with which a listener on `host` and `port` cannot be at once: bind(2) refuses an address beside every address. */
export function inTheWay(listening: readonly Listening[], { host, port }: { host: string; port: number }): Listening[] {
  const own = canonical(host);
  return listening.filter((each) => each.port === port && (own === '*' || each.host === '*' || each.host === own));
}

/** Processes that hold one of the sockets. Those that belong to others are seen by root alone. */
export function holdersOf(sockets: readonly Listening[], proc = '/proc'): Holder[] {
  const wanted = new Set(sockets.map(({ inode }) => `socket:[${inode}]`));
  return namesIn(proc)
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => namesIn(`${proc}/${pid}/fd`).some((fd) => wanted.has(linkOr(`${proc}/${pid}/fd/${fd}`))))
    .map((pid) => ({
      pid: Number(pid),
      parent: Number(/^PPid:\s*(\d+)/m.exec(readOr(`${proc}/${pid}/status`))?.[1] ?? 0),
      program: linkOr(`${proc}/${pid}/exe`).replace(DELETED, ''),
    }));
}

/** A process as a person finds it again: `nginx, process 4711 (/usr/sbin/nginx)`. */
export function holderText({ pid, program }: Holder): string {
  return program === '' ? `process ${pid}` : `${basename(program)}, process ${pid} (${program})`;
}

// A process may end between two looks: what is gone is nothing.

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function linkOr(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
